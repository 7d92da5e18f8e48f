import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Engine, look, menu, Standing } from '../src/state';

const READY: Engine = {
    kind: 'ready',
    message: '',
    fraction: null,
    model: 'embedded',
    round: 2,
    rss: 300 * 1024 ** 2,
};

function standing(engine: Partial<Engine> = {}, changes: Partial<Standing> = {}): Standing {
    return {
        server: 'running',
        engine: { ...READY, ...engine },
        working: false,
        ghostText: 'on',
        ...changes,
    };
}

test('ready: the model, its round and its memory', () => {
    assert.deepEqual(look(standing()), {
        icon: 'circuit-board',
        tooltip: 'Ready\nModel embedded, round 2, 300 MiB',
        alarm: 'none',
    });
});

test('loading says how far it is', () => {
    const { icon, tooltip } = look(standing({ kind: 'loading', fraction: 0.5, model: '' }));
    assert.deepEqual([icon, tooltip], ['loading~spin', 'Loading the model: 50 %']);
});

test('working is seen while ghost text is waited for', () => {
    assert.equal(look(standing({}, { working: true })).icon, 'sync~spin');
});

test('a failure is seen and says why', () => {
    const seen = look(standing({ kind: 'failed', message: 'torch is not installed' }));
    assert.equal(seen.alarm, 'error');
    assert.match(seen.tooltip, /torch is not installed\nDiagnostics go on/);
});

test('a stopped engine is no alarm: it starts when needed', () => {
    const { tooltip, alarm } = look(standing({ kind: 'stopped', model: '', rss: null }));
    assert.deepEqual([tooltip, alarm], ['The engine starts when it is needed', 'none']);
});

test('off in this file is said and seen', () => {
    const { icon, tooltip } = look(standing({}, { ghostText: 'off here' }));
    assert.equal(icon, 'circle-slash');
    assert.match(tooltip, /Ghost text is off in this file/);
});

for (const [server, alarm] of [
    ['starting', 'none'],
    ['missing', 'warning'],
    ['stopped', 'error'],
] as const) {
    test(`a server that is ${server} hides what the engine last said`, () => {
        const seen = look(standing({}, { server }));
        assert.equal(seen.alarm, alarm);
        assert.doesNotMatch(seen.tooltip, /embedded/);
    });
}

function commands(of: Standing): string[] {
    return menu(of).map(({ command }) => command.replace('verifrag.', ''));
}

test('the menu switches off here and everywhere, and shows log, collection and doctor', () => {
    assert.deepEqual(commands(standing()), [
        'toggleHere',
        'toggleEverywhere',
        'showCollected',
        'showLog',
        'doctor',
        'restartServer',
        'openSettings',
    ]);
});

test('the menu offers to install where nothing has the server', () => {
    assert.equal(commands(standing({}, { server: 'missing' }))[0], 'install');
});

test('a failed engine can be started again', () => {
    assert.ok(commands(standing({ kind: 'failed', message: 'no' })).includes('restartEngine'));
});

test('what is off everywhere cannot be turned off here', () => {
    const labels = menu(standing({}, { ghostText: 'off' })).map(({ label }) => label);
    assert.ok(labels.some((label) => label.includes('on everywhere')));
    assert.ok(!labels.some((label) => label.includes('this file')));
});
