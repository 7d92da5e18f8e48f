import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, RunError } from '../src/run';
import { folder, program } from './folder';

test('all lines come back, and as they come', async () => {
    const heard: string[] = [];
    const script = program(join(folder(), 'two'), 'echo one; echo two');
    assert.deepEqual(await run(script, [], { onLine: (line) => heard.push(line) }), ['one', 'two']);
    assert.deepEqual(heard, ['one', 'two']);
});

test('a failure carries the last line, the status and everything written', async () => {
    const script = program(join(folder(), 'bad'), 'echo first; echo why >&2; exit 3');
    await assert.rejects(run(script, []), (error: RunError) => {
        assert.equal(error.code, 3);
        assert.deepEqual([...error.lines].sort(), ['first', 'why']);
        return true;
    });
});

test('no shell reads the arguments', async () => {
    const script = program(join(folder(), 'echo'), 'echo "$1"');
    assert.deepEqual(await run(script, ['$(id); `id` *']), ['$(id); `id` *']);
});

test('variables are added to those of this process', async () => {
    assert.deepEqual(await run('sh', ['-c', 'echo "$FIRST $PATH"'], { env: { FIRST: 'one' } }), [
        `one ${process.env.PATH}`,
    ]);
});
