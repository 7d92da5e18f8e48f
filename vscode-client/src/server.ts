// The server's life: find its Python, start, stop, restart; one after another, however quickly asked for.

import { Disposable, env, ExtensionContext, LogOutputChannel, commands, window, workspace } from 'vscode';
import { LanguageClient, State } from 'vscode-languageclient/node';
import { join } from 'node:path';
import { makeClient, proxy } from './client';
import { bundledWheel, Environment, Extra, install, isOutdated, update, Watch } from './install';
import { findPython, Found, Places } from './python';
import { chosenPython } from './pythonExtension';
import { withProgress } from './progress';
import { Status } from './status';
import { Switches } from './switches';

const WITH_MODEL = 'Install with the Model';
const WITHOUT_MODEL = 'Install without the Model';
const OPEN_SETTINGS = 'Choose a Python';

const STANDING = {
    [State.Running]: 'running',
    [State.Starting]: 'starting',
    [State.Stopped]: 'stopped',
    [State.StartFailed]: 'stopped',
} as const;

export class Server implements Disposable {
    private client: LanguageClient | undefined;
    private found: Found | undefined;
    private turn: Promise<void> = Promise.resolve();

    constructor(
        private readonly context: ExtensionContext,
        private readonly log: LogOutputChannel,
        private readonly status: Status,
        private readonly switches: Switches,
    ) {}

    /** The Python whose server runs. */
    get python(): string | undefined {
        return this.found?.python;
    }

    start(): Promise<void> {
        return this.inTurn(() => this.doStart());
    }

    stop(): Promise<void> {
        return this.inTurn(() => this.doStop());
    }

    restart(): Promise<void> {
        return this.inTurn(async () => {
            await this.doStop();
            await this.doStart();
        });
    }

    /** Start again if another Python is now the first that has the server. */
    async restartIfPythonChanged(): Promise<void> {
        const found = await findPython(this.places(), () => {});
        if (found?.python !== this.python) {
            await this.restart();
        }
    }

    /** Ask what to install, make the extension's own environment and start its server. */
    async install(): Promise<void> {
        const detail =
            "Makes a Python environment in this extension's storage, with the server that came with the " +
            'extension. What it needs is fetched by pip: with the model some minutes and more than 1 GB ' +
            '(PyTorch), without it a few megabytes (diagnostics, menus, navigation; no ghost text).';
        const answer = await window.showInformationMessage(
            "Install Verifrag's server?",
            { modal: true, detail },
            WITH_MODEL,
            WITHOUT_MODEL,
        );
        if (answer !== undefined) {
            await this.doInstall(answer === WITH_MODEL ? 'engine' : 'none');
        }
    }

    dispose(): void {
        void this.stop();
    }

    private inTurn(action: () => Promise<void>): Promise<void> {
        this.turn = this.turn.then(action).catch((error) => {
            this.log.error(error);
            this.status.show({ server: 'stopped' });
            void window.showErrorMessage(`Verifrag: ${error instanceof Error ? error.message : error}`);
        });
        return this.turn;
    }

    private async doStart(): Promise<void> {
        this.status.show({ server: 'starting', engine: undefined });
        await this.updateOwn();
        const tried: string[] = [];
        this.found = await findPython(this.places(), (line) => {
            this.log.info(line);
            tried.push(line);
        });
        if (this.found === undefined) {
            this.status.show({ server: 'missing' });
            // Not awaited: the message stays until it is answered, and a restart must not wait for that.
            void this.explainMissing();
            return;
        }
        const { python, origin, version } = this.found;
        this.log.info(`server ${version} of ${python} (${origin})`);
        this.client = makeClient(python, this.log, {
            onEngine: (engine) => this.status.show({ engine }),
            onWorking: (working) => this.status.show({ working }),
            isOffIn: (uri) => this.switches.isOffIn(uri),
        });
        this.client.onDidChangeState(({ newState }) => {
            const server = STANDING[newState];
            this.status.show(server === 'running' ? { server } : { server, engine: undefined });
            void commands.executeCommand('setContext', 'verifrag.serverRuns', server === 'running');
        });
        await this.client.start();
    }

    private async doStop(): Promise<void> {
        const client = this.client;
        this.client = undefined;
        await client?.dispose();
    }

    private places(): Places {
        // In Restricted Mode neither the workspace's own programs nor what was chosen for it is run.
        const folders = workspace.isTrusted ? (workspace.workspaceFolders ?? []) : [];
        return {
            setting: workspace.getConfiguration('verifrag').get('python', ''),
            folders: folders.map((folder) => folder.uri.fsPath),
            chosen: async () => (workspace.isTrusted ? chosenPython() : []),
            own: this.ownFolder(),
        };
    }

    private ownFolder(): string {
        return join(this.context.globalStorageUri.fsPath, 'python');
    }

    private environment(): Environment {
        return {
            folder: this.ownFolder(),
            wheel: bundledWheel(this.context.extensionPath),
            version: this.context.extension.packageJSON.version,
            env: proxy(),
        };
    }

    private async doInstall(extra: Extra): Promise<void> {
        const done = await this.withPip('Installing the server', (environment, watch) =>
            install(environment, extra, watch),
        );
        if (done) {
            await this.restart();
        }
    }

    /** The user agreed to this environment once: a new version of the extension brings its server along. */
    private async updateOwn(): Promise<void> {
        if (isOutdated(this.ownFolder(), this.context.extension.packageJSON.version)) {
            await this.withPip('Updating the server', update);
        }
    }

    private async withPip(
        title: string,
        work: (environment: Environment, watch: Watch) => Promise<void>,
    ): Promise<boolean> {
        try {
            await withProgress(title, this.log, (watch) => work(this.environment(), watch));
            return true;
        } catch (error) {
            this.log.error(error as Error);
            void window.showErrorMessage(`Verifrag: ${(error as Error).message}`);
            return false;
        }
    }

    private async explainMissing(): Promise<void> {
        const answer = await window.showWarningMessage(
            'Verifrag needs a Python (3.11 or newer) with its server, and found none: ' +
                'the log says where it looked.',
            WITH_MODEL,
            WITHOUT_MODEL,
            OPEN_SETTINGS,
        );
        if (answer === OPEN_SETTINGS) {
            // In a remote window (SSH, WSL, a browser) the machine's settings are on a page of their own.
            const page = env.remoteName ? 'openRemoteSettings' : 'openSettings';
            await commands.executeCommand(`workbench.action.${page}`, { query: 'verifrag.python' });
        } else if (answer !== undefined) {
            await this.doInstall(answer === WITH_MODEL ? 'engine' : 'none');
        }
    }
}
