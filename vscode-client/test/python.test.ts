import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPython, Places, pythonOf, sources } from '../src/python';
import { folder, program } from './folder';

const HAS_SERVER = 'echo 0.1.0';
const HAS_NOT = 'echo "ModuleNotFoundError: No module named lsp_server" >&2; exit 1';

function places(changes: Partial<Places>): Places {
    return { setting: '', folders: [], chosen: async () => [], own: '/nowhere', ...changes };
}

test("a setting is the user's word: nothing else is looked at", async () => {
    const named = program(join(folder(), 'python'), HAS_NOT);
    const found = await findPython(places({ setting: named, chosen: assert.fail }), () => {});
    assert.equal(found, undefined);
});

test('the order is: workspace, Python extension, own environment, PATH', () => {
    assert.deepEqual(
        sources(places({})).map(({ origin }) => origin),
        [
            "the workspace's .venv",
            "the Python extension's choice",
            "this extension's own environment",
            'the PATH',
        ],
    );
});

test("the workspace's .venv is taken only if it has the server, and the log hears why not", async () => {
    const workspace = folder();
    const venv = program(pythonOf(join(workspace, '.venv')), HAS_NOT);
    const chosen = program(join(folder(), 'python'), HAS_SERVER);
    const heard: string[] = [];
    const found = await findPython(places({ folders: [workspace], chosen: async () => [chosen] }), (line) =>
        heard.push(line),
    );
    assert.deepEqual(found, { python: chosen, origin: "the Python extension's choice", version: '0.1.0' });
    assert.deepEqual(heard, [
        `${venv} (the workspace's .venv): ModuleNotFoundError: No module named lsp_server`,
    ]);
});

test('of several folders the first whose .venv has the server counts', async () => {
    const [first, second] = [folder(), folder()];
    const python = program(pythonOf(join(second, '.venv')), HAS_SERVER);
    const found = await findPython(places({ folders: [first, second] }), () => {});
    assert.equal(found?.python, python);
});

test("the extension's own environment comes before the PATH", async () => {
    const own = folder();
    const python = program(pythonOf(own), HAS_SERVER);
    assert.equal((await findPython(places({ own }), () => {}))?.python, python);
});

test('a program that is not there is a reason, not a crash', async () => {
    const heard: string[] = [];
    await findPython(places({ setting: '/nowhere/python' }), (line) => heard.push(line));
    assert.deepEqual(heard, ['/nowhere/python (the setting verifrag.python): spawn /nowhere/python ENOENT']);
});
