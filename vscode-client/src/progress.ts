// A notification with a cancel button while pip works; its lines go to the log.

import { LogOutputChannel, ProgressLocation, window } from 'vscode';
import { Watch } from './install';

/** Do `work` under a notification; cancelling it aborts the program that runs. */
export async function withProgress(
    title: string,
    log: LogOutputChannel,
    work: (watch: Watch) => Promise<void>,
): Promise<void> {
    const options = {
        location: ProgressLocation.Notification,
        title: `Verifrag: ${title}`,
        cancellable: true,
    };
    await window.withProgress(options, async (progress, token) => {
        const stop = new AbortController();
        token.onCancellationRequested(() => stop.abort());
        await work({
            signal: stop.signal,
            report: (line) => {
                log.info(line);
                progress.report({ message: line.trim() });
            },
        });
    });
}
