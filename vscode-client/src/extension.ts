// Starts Verifrag's language server and hands it to VS Code. Everything else happens in the server.

import { commands, env, ExtensionContext, window, workspace } from 'vscode';
import { LanguageClient, LanguageClientOptions, TransportKind } from 'vscode-languageclient/node';
import { candidates, findPython } from './python';
import { forwardLog } from './serverLog';

const log = window.createOutputChannel('Verifrag', { log: true });
let client: LanguageClient | undefined;
// Starts and stops run one after another, however quickly they are asked for.
let turn: Promise<void> = Promise.resolve();

export async function activate(context: ExtensionContext): Promise<void> {
    context.subscriptions.push(
        log,
        commands.registerCommand('verifrag.restartServer', () => inTurn(restart)),
        commands.registerCommand('verifrag.showLog', () => log.show()),
        workspace.onDidChangeConfiguration((event) => {
            if (event.affectsConfiguration('verifrag.python')) {
                void inTurn(restart);
            }
        }),
    );
    await inTurn(start);
}

export function deactivate(): Promise<void> {
    return inTurn(stop);
}

function inTurn(action: () => Promise<void>): Promise<void> {
    turn = turn.then(action).catch((error) => {
        log.error(error);
        void window.showErrorMessage(`Verifrag: ${error instanceof Error ? error.message : error}`);
    });
    return turn;
}

async function start(): Promise<void> {
    const setting = workspace.getConfiguration('verifrag').get('python', '');
    const folders = (workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    const tried = candidates(setting, folders);
    const python = await findPython(tried, (line) => log.info(line));
    if (python === undefined) {
        // Not awaited: the message stays until it is answered, and a restart must not wait for that.
        void explainMissingServer(tried);
        return;
    }
    // -P: a file of the user's workspace must not stand in for a Python module. The client adds --stdio.
    const server = { command: python, args: ['-P', '-m', 'lsp_server'], transport: TransportKind.stdio };
    const options: LanguageClientOptions = {
        documentSelector: [{ language: 'verilog' }, { language: 'systemverilog' }],
        initializationOptions: workspace.getConfiguration('verifrag'),
        outputChannel: log,
        stdioOptions: { stdout: forwardLog, stderr: forwardLog },
    };
    client = new LanguageClient('verifrag', 'Verifrag', server, options);
    await client.start();
}

async function stop(): Promise<void> {
    const running = client;
    client = undefined;
    await running?.dispose();
}

async function restart(): Promise<void> {
    await stop();
    await start();
}

async function explainMissingServer(tried: string[]): Promise<void> {
    const openSettings = 'Open Settings';
    const answer = await window.showErrorMessage(
        `Verifrag is not installed in ${tried.join(' or ')}. Install it there as this extension's README ` +
            'says (Python 3.11 or newer), or name a Python that has it in the setting verifrag.python.',
        openSettings,
    );
    if (answer === openSettings) {
        // In a remote window (SSH, WSL, a browser) the machine's settings are on a page of their own.
        const page = env.remoteName ? 'openRemoteSettings' : 'openSettings';
        await commands.executeCommand(`workbench.action.${page}`, { query: 'verifrag.python' });
    }
}
