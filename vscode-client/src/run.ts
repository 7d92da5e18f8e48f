// Runs programs and gives their lines. No shell: arguments are passed as they are.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Options {
    signal?: AbortSignal;
    cwd?: string;
    /** Variables besides those of this process. */
    env?: Record<string, string>;
    /** Hears every line of stdout and stderr as it comes. */
    onLine?: (line: string) => void;
}

/** Why a program failed, `code` its exit status or null where it did not start or was killed. */
export class RunError extends Error {
    constructor(
        message: string,
        readonly code: number | null,
        readonly lines: string[],
    ) {
        super(message);
    }
}

/** All lines that `command` wrote. Rejects with a RunError when it fails or is aborted. */
export function run(command: string, args: string[], options: Options = {}): Promise<string[]> {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, {
            cwd: options.cwd,
            env: { ...process.env, ...options.env },
            signal: options.signal,
            stdio: ['ignore', 'pipe', 'pipe'],
        });
        const lines: string[] = [];
        for (const stream of [child.stdout, child.stderr]) {
            createInterface({ input: stream }).on('line', (line) => {
                lines.push(line);
                options.onLine?.(line);
            });
        }
        child.on('error', (error) => reject(new RunError(error.message, null, lines)));
        child.on('close', (code) => {
            if (code === 0) {
                resolve(lines);
            } else {
                const last = lines.filter((line) => line.trim()).pop();
                reject(new RunError(last ?? `${command} ended with ${code}`, code, lines));
            }
        });
    });
}
