import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyVariables } from '../src/proxy';

const settings = (values: Record<string, string | string[]>) => (name: string) => values[name];

test('the proxy of VS Code is told to what fetches', () => {
    const http = settings({ proxy: 'http://proxy:3128', noProxy: ['localhost', '.example'] });
    assert.deepEqual(proxyVariables(http, {}), {
        http_proxy: 'http://proxy:3128',
        https_proxy: 'http://proxy:3128',
        no_proxy: 'localhost,.example',
    });
});

test('what the environment says counts', () => {
    const http = settings({ proxy: 'http://proxy:3128' });
    const environment = { HTTPS_PROXY: 'http://other:1', http_proxy: 'http://other:2' };
    assert.deepEqual(proxyVariables(http, environment), {});
});

test('without a proxy nothing is said', () => {
    assert.deepEqual(proxyVariables(settings({ proxy: '', noProxy: [] }), {}), {});
});
