import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { bundledWheel, Environment, install, isOutdated, update, Watch } from '../src/install';
import { folder, program } from './folder';

const WATCH: Watch = { signal: new AbortController().signal, report: () => {} };
const PATH = process.env.PATH;

let programs: string;
let environment: Environment;

// python3 -m venv --clear FOLDER puts a python there that writes down what it is called with.
const MAKES_VENV = `
for last; do :; done
if [ "$2" = venv ]; then
    mkdir -p "$last/bin"
    printf '#!/bin/sh\\necho "$@" >> %s/calls\\necho "Collecting pygls"\\n[ ! -e %s/broken ]\\n' \\
        "$last" "$(dirname "$0")" > "$last/bin/python"
    chmod +x "$last/bin/python"
fi`;

beforeEach(() => {
    programs = folder();
    program(join(programs, 'python3'), MAKES_VENV);
    process.env.PATH = `${programs}:${PATH}`;
    environment = { folder: join(folder(), 'storage', 'python'), wheel: '/x/verifrag.whl', version: '1.0.0' };
});

afterEach(() => {
    process.env.PATH = PATH;
});

function lastCall(): string {
    return readFileSync(join(environment.folder, 'calls'), 'utf8').trim().split('\n').pop() ?? '';
}

test('the environment gets the wheel with the engine, and pip is heard', async () => {
    const heard: string[] = [];
    await install(environment, 'engine', { ...WATCH, report: (line) => heard.push(line) });
    assert.equal(lastCall(), '-m pip install --upgrade --disable-pip-version-check /x/verifrag.whl[engine]');
    assert.deepEqual(heard, ['Collecting pygls']);
});

test('without the model only the wheel is asked for', async () => {
    await install(environment, 'none', WATCH);
    assert.match(lastCall(), /verifrag\.whl$/);
});

test('a new version of the extension brings its server along, with the extra chosen then', async () => {
    assert.equal(isOutdated(environment.folder, '1.0.0'), false);
    await install(environment, 'engine', WATCH);
    assert.equal(isOutdated(environment.folder, '1.0.0'), false);
    assert.equal(isOutdated(environment.folder, '1.1.0'), true);
    await update({ ...environment, wheel: '/x/newer.whl', version: '1.1.0' }, WATCH);
    assert.match(lastCall(), /newer\.whl\[engine\]$/);
    assert.equal(isOutdated(environment.folder, '1.1.0'), false);
});

test('what fails leaves nothing behind', async () => {
    writeFileSync(join(programs, 'broken'), '');
    await assert.rejects(install(environment, 'engine', WATCH), /Collecting pygls/);
    assert.equal(existsSync(environment.folder), false);
});

test('what is cancelled leaves nothing behind', async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(install(environment, 'engine', { ...WATCH, signal }), /abort/);
    assert.equal(existsSync(environment.folder), false);
});

test('without a usable Python the message says what to install', async () => {
    process.env.PATH = '/nowhere';
    await assert.rejects(install(environment, 'engine', WATCH), /apt-get install python3 python3-venv/);
});

test('the wheel is looked for where npm run package puts it', () => {
    const extension = folder();
    assert.throws(() => bundledWheel(extension), /npm run package/);
    mkdirSync(join(extension, 'dist', 'server'), { recursive: true });
    const wheel = join(extension, 'dist', 'server', 'verifrag-0.1.0-py3-none-any.whl');
    writeFileSync(wheel, '');
    assert.equal(bundledWheel(extension), wheel);
});
