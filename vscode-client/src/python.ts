// Finds the Python that has Verifrag's server.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ON_WINDOWS = process.platform === 'win32';

/** The interpreters worth asking, best first. A non-empty setting is the user's word: nothing else then. */
export function candidates(setting: string, folders: string[]): string[] {
    if (setting) {
        return [setting];
    }
    const inVenv = ON_WINDOWS ? ['.venv', 'Scripts', 'python.exe'] : ['.venv', 'bin', 'python'];
    const inFolders = folders.map((folder) => join(folder, ...inVenv)).filter((path) => existsSync(path));
    return [...inFolders, ON_WINDOWS ? 'python' : 'python3'];
}

/** The first of `pythons` that can import the server; `report` hears why the others cannot. */
export async function findPython(
    pythons: string[],
    report: (line: string) => void,
): Promise<string | undefined> {
    for (const python of pythons) {
        const failure = await importFailure(python);
        if (failure === undefined) {
            return python;
        }
        report(`${python}: ${failure}`);
    }
    return undefined;
}

function importFailure(python: string): Promise<string | undefined> {
    return new Promise((resolve) => {
        execFile(python, ['-P', '-c', 'import lsp_server'], { timeout: 10_000 }, (error, _, stderr) => {
            resolve(error ? stderr.trim() || error.message : undefined);
        });
    });
}
