// Starts Verifrag's language server and shows how it stands. What is said about Verilog is the server's.

import { commands, ExtensionContext, window, workspace } from 'vscode';
import { openExample } from './example';
import { writeBody, generateModule } from './generate';
import { configureLanguages } from './language';
import { onChoice } from './pythonExtension';
import { Reports, SCHEME } from './reports';
import { Server } from './server';
import { Status } from './status';
import { Switches, toggleEverywhere } from './switches';

let server: Server | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
    const log = window.createOutputChannel('Verifrag', { log: true });
    const status = new Status();
    const switches = new Switches(context.workspaceState);
    const running = new Server(context, log, status, switches);
    const reports = new Reports(() => running.python);
    const showGhostText = (): void => status.show({ ghostText: switches.ghostText() });
    server = running;

    const actions: Record<string, () => unknown> = {
        menu: () => status.openMenu(),
        install: () => running.install(),
        restartServer: () => running.restart(),
        showLog: () => log.show(),
        showCollected: () => reports.show('What was collected'),
        doctor: () => reports.show('Doctor'),
        openSettings: () => commands.executeCommand('workbench.action.openSettings', 'verifrag.'),
        toggleHere: async () => {
            await switches.toggleHere();
            await commands.executeCommand('editor.action.inlineSuggest.hide');
            showGhostText();
        },
        toggleEverywhere,
        generateModule,
        writeBody,
        openExample,
    };
    context.subscriptions.push(
        log,
        status,
        configureLanguages(),
        workspace.registerTextDocumentContentProvider(SCHEME, reports),
        window.onDidChangeActiveTextEditor(showGhostText),
        workspace.onDidGrantWorkspaceTrust(() => running.restart()),
        workspace.onDidChangeConfiguration((event) => {
            showGhostText();
            if (event.affectsConfiguration('verifrag.python')) {
                void running.restart();
            }
        }),
        ...Object.entries(actions).map(([name, action]) =>
            commands.registerCommand(`verifrag.${name}`, action),
        ),
    );
    showGhostText();
    await running.start();
    context.subscriptions.push(await onChoice(() => void running.restartIfPythonChanged()));
}

export async function deactivate(): Promise<void> {
    await server?.stop();
}
