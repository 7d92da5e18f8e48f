// Builds the server's wheel into dist/server, for the extension to install from. It is built from the clone
// that this folder lies in, with its .venv where there is one.

import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const client = join(import.meta.dirname, '..');
const clone = join(client, '..');
const venv = process.platform === 'win32' ? '.venv/Scripts/python.exe' : '.venv/bin/python';
const python = existsSync(join(clone, venv)) ? join(clone, venv) : 'python3';
const folder = join(client, 'dist', 'server');

rmSync(folder, { recursive: true, force: true });
const args = ['-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', folder, clone];
execFileSync(python, args, { stdio: 'inherit' });
