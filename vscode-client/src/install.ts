// Makes the extension's own Python environment and keeps it at the extension's version. The server comes
// from the wheel inside the extension, what it needs from the package index that pip is set up for.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pythonOf } from './python';
import { run } from './run';

const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];
const USABLE = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))';

/** What to install: with the model's engine (PyTorch, more than 1 GB) or without. */
export type Extra = 'engine' | 'none';

export interface Environment {
    /** Folder of the virtual environment; it and everything above it are made when needed. */
    folder: string;
    /** The wheel of the server. */
    wheel: string;
    /** The extension's version, which the environment is stamped with. */
    version: string;
    /** Variables for pip: the proxy. */
    env?: Record<string, string>;
}

export interface Watch {
    signal: AbortSignal;
    /** Hears every line that pip writes. */
    report: (line: string) => void;
}

/** The wheel that was packaged with the extension; throws where there is none. */
export function bundledWheel(extensionFolder: string): string {
    const folder = join(extensionFolder, 'dist', 'server');
    const name = existsSync(folder) && readdirSync(folder).find((file) => file.endsWith('.whl'));
    if (!name) {
        throw new Error(`${folder} has no wheel of the server: package the extension with npm run package`);
    }
    return join(folder, name);
}

/** Make the environment anew. Rejects, leaving nothing behind, where that fails or is aborted. */
export async function install(environment: Environment, extra: Extra, watch: Watch): Promise<void> {
    const base = await usablePython();
    mkdirSync(environment.folder, { recursive: true });
    try {
        await run(base, ['-m', 'venv', '--clear', environment.folder], { signal: watch.signal });
        await pipInstall(environment, extra, watch);
    } catch (error) {
        rmSync(environment.folder, { recursive: true, force: true });
        throw error;
    }
}

/** Whether `folder` is such an environment, but not with the server of `version` of the extension. */
export function isOutdated(folder: string, version: string): boolean {
    return existsSync(stampOf(folder)) && readStamp(folder).version !== version;
}

/** Put this version's server into the environment, with the extra it was made with. */
export async function update(environment: Environment, watch: Watch): Promise<void> {
    await pipInstall(environment, readStamp(environment.folder).extra, watch);
}

async function pipInstall(environment: Environment, extra: Extra, watch: Watch): Promise<void> {
    const what = extra === 'engine' ? `${environment.wheel}[engine]` : environment.wheel;
    const args = ['-m', 'pip', 'install', '--upgrade', '--disable-pip-version-check', what];
    const { signal, report } = watch;
    await run(pythonOf(environment.folder), args, { signal, onLine: report, env: environment.env });
    writeFileSync(stampOf(environment.folder), JSON.stringify({ version: environment.version, extra }));
}

async function usablePython(): Promise<string> {
    for (const name of NAMES) {
        try {
            await run(name, ['-c', USABLE]);
            return name;
        } catch {
            // Not there, too old or without venv: the next name may do.
        }
    }
    throw new Error(
        'Python 3.11 or newer with its venv module is needed, and none is on the PATH. ' +
            'Install it (Debian, Ubuntu: apt-get install python3 python3-venv) and try again.',
    );
}

function stampOf(folder: string): string {
    return join(folder, 'verifrag-extension.json');
}

function readStamp(folder: string): { version: string; extra: Extra } {
    return JSON.parse(readFileSync(stampOf(folder), 'utf8'));
}
