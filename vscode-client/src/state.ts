// What the status bar says. Pure: a state goes in, words come out.

/** The engine, as the server tells it with the notification verifrag/state. */
export interface Engine {
    kind: 'off' | 'stopped' | 'loading' | 'ready' | 'failed';
    /** What is being done, or why it failed. */
    message: string;
    /** The part of the load that is done, 0 to 1. */
    fraction: number | null;
    /** The model in service, "" where there is none, and the round of training it is from. */
    model: string;
    round: number;
    /** Bytes of memory that the engine's process uses; null where the server has not told. */
    rss: number | null;
}

export interface Standing {
    /** The server: `missing` is when no Python has it. */
    server: 'starting' | 'running' | 'missing' | 'stopped';
    engine: Engine | undefined;
    /** Whether ghost text is waited for. */
    working: boolean;
    /** Ghost text: on, off in the file that is shown, or off everywhere by the setting. */
    ghostText: 'on' | 'off here' | 'off';
}

export interface Look {
    icon: string;
    /** One or more lines; the first says the state. */
    tooltip: string;
    alarm: 'none' | 'warning' | 'error';
}

/** How the status bar shows `standing`. */
export function look(standing: Standing): Look {
    switch (standing.server) {
        case 'starting':
            return { icon: 'loading~spin', tooltip: 'Starting the server', alarm: 'none' };
        case 'missing':
            return { icon: 'warning', tooltip: 'No Python has the server', alarm: 'warning' };
        case 'stopped':
            return { icon: 'error', tooltip: 'The server has stopped', alarm: 'error' };
        case 'running':
            return running(standing);
    }
}

function running({ engine, working, ghostText }: Standing): Look {
    if (engine === undefined) {
        return { icon: 'circuit-board', tooltip: 'The server is running', alarm: 'none' };
    }
    if (engine.kind === 'failed') {
        const tooltip = `No completions: ${engine.message}\nDiagnostics go on.`;
        return { icon: 'error', tooltip, alarm: 'error' };
    }
    const [icon, first] = engineWords(engine, working);
    const off = { on: '', 'off here': 'Ghost text is off in this file', off: 'Ghost text is off' }[ghostText];
    return {
        icon: off && icon === 'circuit-board' ? 'circle-slash' : icon,
        tooltip: [first, modelLine(engine), off].filter(Boolean).join('\n'),
        alarm: 'none',
    };
}

function engineWords(engine: Engine, working: boolean): [icon: string, words: string] {
    switch (engine.kind) {
        case 'loading':
            return ['loading~spin', `Loading the model${percent(engine.fraction)}`];
        case 'off':
            return ['circle-slash', 'The engine is off (verifrag.engine.enabled)'];
        case 'stopped':
            return ['circuit-board', 'The engine starts when it is needed'];
        default:
            return working ? ['sync~spin', 'Working'] : ['circuit-board', 'Ready'];
    }
}

function modelLine(engine: Engine): string {
    if (!engine.model) {
        return '';
    }
    const memory = engine.rss === null ? '' : `, ${Math.round(engine.rss / 1024 ** 2)} MiB`;
    return `Model ${engine.model}, round ${engine.round}${memory}`;
}

function percent(fraction: number | null): string {
    return fraction === null ? '' : `: ${Math.round(100 * fraction)} %`;
}

export interface Entry {
    label: string;
    command: string;
}

/** The menu behind the status bar: what can be done as things stand. */
export function menu(standing: Standing): Entry[] {
    const entries: Entry[] = [];
    if (standing.server === 'missing') {
        entries.push({ label: '$(cloud-download) Install the server…', command: 'verifrag.install' });
    }
    if (standing.server === 'running' && standing.ghostText !== 'off') {
        const here = standing.ghostText === 'off here' ? 'on' : 'off';
        entries.push({
            label: `$(file) Turn ghost text ${here} in this file`,
            command: 'verifrag.toggleHere',
        });
    }
    if (standing.engine?.kind === 'failed') {
        entries.push({ label: '$(debug-restart) Restart the engine', command: 'verifrag.restartEngine' });
    }
    const everywhere = standing.ghostText === 'off' ? 'on' : 'off';
    return [
        ...entries,
        { label: `$(globe) Turn ghost text ${everywhere} everywhere`, command: 'verifrag.toggleEverywhere' },
        { label: '$(database) Show what was collected', command: 'verifrag.showCollected' },
        { label: '$(output) Show the log', command: 'verifrag.showLog' },
        { label: '$(pulse) Doctor: check the installation', command: 'verifrag.doctor' },
        { label: '$(debug-restart) Restart the server', command: 'verifrag.restartServer' },
        { label: '$(gear) Settings', command: 'verifrag.openSettings' },
    ];
}
