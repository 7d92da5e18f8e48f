// Finds the Python that has Verifrag's server. Knows nothing of VS Code, so that it can be tested alone.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run';

const ON_WINDOWS = process.platform === 'win32';
// Long: the first import after a start of the machine reads everything from a cold disk.
const IMPORT_MILLISECONDS = 30_000;

/** Where a Python may come from: `origin` says it in the user's words, `find` names those there are. */
export interface Source {
    origin: string;
    find: () => Promise<string[]>;
}

export interface Found {
    python: string;
    origin: string;
    version: string;
}

export interface Places {
    /** The setting verifrag.python. */
    setting: string;
    /** The workspace's folders; none while the workspace is not trusted. */
    folders: string[];
    /** Asks the Python extension. */
    chosen: () => Promise<string[]>;
    /** The folder of the environment that this extension makes. */
    own: string;
}

/** Where to look, best first. A setting is the user's word: nothing else is looked at then. */
export function sources(places: Places): Source[] {
    if (places.setting) {
        return [{ origin: 'the setting verifrag.python', find: async () => [places.setting] }];
    }
    const venvs = places.folders.map((folder) => pythonOf(join(folder, '.venv')));
    return [
        { origin: "the workspace's .venv", find: async () => venvs.filter((path) => existsSync(path)) },
        { origin: "the Python extension's choice", find: places.chosen },
        {
            origin: "this extension's own environment",
            find: async () => [pythonOf(places.own)].filter((path) => existsSync(path)),
        },
        { origin: 'the PATH', find: async () => [ON_WINDOWS ? 'python' : 'python3'] },
    ];
}

/** The interpreter of a virtual environment. */
export function pythonOf(venv: string): string {
    return ON_WINDOWS ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');
}

/** The first Python that can import the server; `report` hears why the others can't. */
export async function findPython(places: Places, report: (line: string) => void): Promise<Found | undefined> {
    for (const { origin, find } of sources(places)) {
        for (const python of await find()) {
            try {
                return { python, origin, version: await serverVersion(python) };
            } catch (error) {
                report(`${python} (${origin}): ${(error as Error).message}`);
            }
        }
    }
    return undefined;
}

/** The version of the server that `python` has; rejects where it has none. */
async function serverVersion(python: string): Promise<string> {
    // -P: a file of the user's workspace must not stand in for a Python module.
    const script = 'import lsp_server; print(lsp_server.__version__)';
    const signal = AbortSignal.timeout(IMPORT_MILLISECONDS);
    const lines = await run(python, ['-P', '-c', script], { signal });
    return lines[lines.length - 1] ?? '';
}
