// Texts that the server's Python writes, shown as read-only documents: what was collected, the doctor.

import { EventEmitter, TextDocumentContentProvider, Uri, window, workspace } from 'vscode';
import { run, RunError } from './run';

export const SCHEME = 'verifrag-report';

const REPORTS = {
    'What was collected': ['-m', 'trainer.references', 'list'],
    Doctor: ['-m', 'lsp_server', 'doctor'],
};

export class Reports implements TextDocumentContentProvider {
    private readonly changed = new EventEmitter<Uri>();
    readonly onDidChange = this.changed.event;

    /** `python` is the one whose server runs now, if one does. */
    constructor(private readonly python: () => string | undefined) {}

    /** Write the report anew and show it. */
    async show(name: keyof typeof REPORTS): Promise<void> {
        const uri = Uri.from({ scheme: SCHEME, path: `/${name}` });
        this.changed.fire(uri);
        await window.showTextDocument(await workspace.openTextDocument(uri));
    }

    async provideTextDocumentContent(uri: Uri): Promise<string> {
        const python = this.python();
        if (python === undefined) {
            return 'No Python has the server: run the command "Verifrag: Install the Server" first.';
        }
        const args = REPORTS[uri.path.slice(1) as keyof typeof REPORTS];
        try {
            return (await run(python, ['-P', ...args])).join('\n');
        } catch (error) {
            // The doctor exits with 1 where it found something wrong, and that is the report.
            return error instanceof RunError ? [...error.lines, error.message].join('\n') : String(error);
        }
    }
}
