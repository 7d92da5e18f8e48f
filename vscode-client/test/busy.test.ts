import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Busy } from '../src/busy';

test('what takes a moment is told, and its end', async () => {
    const told: boolean[] = [];
    await new Busy((busy) => told.push(busy), 1).during(pause(30));
    assert.deepEqual(told, [true, false]);
});

test('what is over at once is not', async () => {
    const told: boolean[] = [];
    await new Busy((busy) => told.push(busy), 10_000).during(Promise.resolve(1));
    assert.deepEqual(told, [false]);
});

test('it is over when all of it is, also where some fails', async () => {
    const told: boolean[] = [];
    const busy = new Busy((now) => told.push(now), 10_000);
    const long = busy.during(pause(30));
    await assert.rejects(busy.during(Promise.reject(new Error('no'))), /no/);
    assert.deepEqual(told, []);
    await long;
    assert.deepEqual(told, [false]);
});
