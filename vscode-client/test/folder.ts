// A temporary folder with pretended programs in it.

import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export function folder(): string {
    return mkdtempSync(join(tmpdir(), 'verifrag-client-'));
}

/** Write a shell script that stands in for a program; returns its path. */
export function program(path: string, script: string): string {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
}
