import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

// npm runs the tests in the folder of package.json.
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const sources = readdirSync('src')
    .map((file) => readFileSync(join('src', file), 'utf8'))
    .join('\n');
const commands: string[] = manifest.contributes.commands.map(({ command }: { command: string }) => command);

test('what the marketplaces ask for is there', () => {
    for (const field of [
        'displayName',
        'description',
        'version',
        'publisher',
        'license',
        'icon',
        'categories',
    ]) {
        assert.ok(manifest[field], field);
    }
    for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE', manifest.icon]) {
        assert.ok(existsSync(file), file);
    }
});

test('every command of the manifest is one that the extension registers, and the other way round', () => {
    const body = /const actions[^{]*\{([\s\S]*?)\n {4}\};/.exec(sources)?.[1] ?? '';
    const registered = [...body.matchAll(/^ {8}(\w+)[:,]/gm)].map(([, name]) => `verifrag.${name}`);
    assert.deepEqual([...registered].sort(), [...commands].sort());
});

// Commands that the server registers, through the client.
const OF_THE_SERVER = ['verifrag.restartEngine'];

test('every command that menus and the walkthrough name exists', () => {
    const text = JSON.stringify([manifest.contributes.walkthroughs, manifest.contributes.menus]) + sources;
    const named = [...text.matchAll(/(?:command:|onCommand:|"command":"|command: ')(verifrag\.\w+)/g)].map(
        ([, name]) => name,
    );
    assert.ok(named.length > 5);
    const known = [...commands, ...OF_THE_SERVER];
    assert.deepEqual(
        named.filter((name) => !known.includes(name)),
        [],
    );
});

test('every picture of the walkthrough and the README is there', () => {
    const walkthrough = manifest.contributes.walkthroughs[0].steps.map(
        ({ media }: { media: { image: string } }) => media.image,
    );
    const readme = [...readFileSync('README.md', 'utf8').matchAll(/!\[[^\]]*\]\((\S+)\)/g)].map(
        ([, path]) => path,
    );
    assert.ok(readme.length > 0);
    assert.deepEqual(
        [...walkthrough, ...readme].filter((path: string) => !existsSync(path)),
        [],
    );
});

test('nothing of another Verilog extension is replaced: no grammar, no language configuration', () => {
    assert.equal(manifest.contributes.grammars, undefined);
    for (const language of manifest.contributes.languages) {
        assert.equal(language.configuration, undefined);
    }
});

test('in Restricted Mode a workspace cannot name programs to run', () => {
    const restricted: string[] = manifest.capabilities.untrustedWorkspaces.restrictedConfigurations;
    const naming = Object.keys(manifest.contributes.configuration.properties).filter((name) =>
        /python|path|arguments|model$|library/i.test(name),
    );
    assert.deepEqual(
        naming.filter((name) => !restricted.includes(name)),
        [],
    );
    assert.deepEqual(
        restricted.filter((name) => !(name in manifest.contributes.configuration.properties)),
        [],
    );
});
