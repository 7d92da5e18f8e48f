// The language client: how the server is started and what is changed on the way to it.

import { LogOutputChannel, Uri, workspace } from 'vscode';
import {
    ClientCapabilities,
    LanguageClient,
    LanguageClientOptions,
    TransportKind,
} from 'vscode-languageclient/node';
import { Busy } from './busy';
import { hasGrammar } from './language';
import { LANGUAGES } from './languages';
import { forwardLog } from './serverLog';
import { proxyVariables } from './proxy';
import { Engine } from './state';

const SECTION = 'verifrag';
const SCHEMES = ['file', 'untitled'];

export interface Hooks {
    /** Hears what the engine does. */
    onEngine: (engine: Engine) => void;
    /** Hears whether ghost text is waited for. */
    onWorking: (working: boolean) => void;
    /** Whether the user has turned ghost text off in a file. */
    isOffIn: (uri: Uri) => boolean;
}

/** A client, not yet started, for the server that `python` has. */
export function makeClient(python: string, log: LogOutputChannel, hooks: Hooks): LanguageClient {
    // -P: a file of the user's workspace must not stand in for a Python module. The client adds --stdio.
    const server = {
        command: python,
        args: ['-P', '-m', 'lsp_server'],
        options: { env: { ...process.env, ...proxy() } },
        transport: TransportKind.stdio,
    };
    const busy = new Busy(hooks.onWorking);
    const options: LanguageClientOptions = {
        // Not `git:` and the like: old versions are no code to check or to complete.
        documentSelector: LANGUAGES.flatMap((language) =>
            SCHEMES.map((scheme) => ({ language, scheme })),
        ),
        initializationOptions: permitted(workspace.getConfiguration(SECTION)),
        outputChannel: log,
        stdioOptions: { stdout: forwardLog, stderr: forwardLog },
        middleware: {
            provideInlineCompletionItems: (document, position, context, token, next) =>
                hooks.isOffIn(document.uri)
                    ? []
                    : busy.during(Promise.resolve(next(document, position, context, token))),
            workspace: {
                configuration: async (params, token, next) => {
                    const values = await next(params, token);
                    if (workspace.isTrusted || !Array.isArray(values)) {
                        return values;
                    }
                    // Of other extensions' settings only those of the user could be used: take none.
                    return values.map((value, at) =>
                        params.items[at].section === SECTION ? permitted(value) : null,
                    );
                },
            },
        },
    };
    const client = new LanguageClient('verifrag', 'Verifrag', server, options);
    client.registerFeature({
        fillClientCapabilities,
        initialize: () => {},
        clear: () => {},
        getState: () => ({ kind: 'static' }),
    });
    client.onNotification('verifrag/state', (engine: Engine) => {
        hooks.onEngine(engine);
        if (engine.kind === 'ready') {
            tellStatus(client, hooks).catch((error) => log.info(`no status: ${error}`));
        }
    });
    return client;
}

/** What programs that fetch something need to know of the user's proxy. */
export function proxy(): Record<string, string> {
    const http = workspace.getConfiguration('http');
    return proxyVariables((setting) => http.get(setting), process.env);
}

/** Ask for what the notification does not tell: the memory that the engine uses. */
async function tellStatus(client: LanguageClient, hooks: Hooks): Promise<void> {
    hooks.onEngine(await client.sendRequest<Engine>('verifrag/status', {}));
}

function fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.experimental = { verifragState: true };
    const tokens = capabilities.textDocument?.semanticTokens;
    if (tokens) {
        tokens.augmentsSyntaxTokens = hasGrammar();
    }
}

/** The settings as the server may have them: while the workspace is not trusted, no tool runs on its files. */
function permitted(settings: Record<string, unknown>): Record<string, unknown> {
    if (workspace.isTrusted) {
        return settings;
    }
    return { ...settings, diagnostics: { ...(settings.diagnostics as object), enabled: false } };
}
