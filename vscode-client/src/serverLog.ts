// Puts the server's log, which it writes to stderr, into the output channel at the server's levels.

import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { LogOutputChannel } from 'vscode';

// What a line begins with: date, time and level. The channel writes its own.
const START = /^\S+ \S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) /;
const LEVELS: Record<string, 'debug' | 'info' | 'warn' | 'error'> = {
    DEBUG: 'debug',
    INFO: 'info',
    WARNING: 'warn',
    ERROR: 'error',
    CRITICAL: 'error',
};

/** Write every line of `stderr` to `channel`. A line that goes on, as in a traceback, keeps its level. */
export function forwardLog(stderr: Readable, channel: LogOutputChannel): void {
    let level = LEVELS.ERROR;
    createInterface({ input: stderr }).on('line', (line) => {
        const start = START.exec(line);
        if (start) {
            level = LEVELS[start[1]];
        }
        channel[level](line.slice(start ? start[0].length : 0));
    });
}
