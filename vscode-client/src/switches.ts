// Ghost text on and off: everywhere by the setting, in one file by a list that the workspace keeps.

import { ConfigurationTarget, Memento, Uri, window, workspace } from 'vscode';
import { Standing } from './state';

const KEY = 'verifrag.filesWithoutGhostText';

export class Switches {
    constructor(private readonly memory: Memento) {}

    /** Whether the user has turned ghost text off in this file. */
    isOffIn(uri: Uri): boolean {
        return this.files().includes(uri.toString());
    }

    /** How ghost text stands for the file that is shown. */
    ghostText(): Standing['ghostText'] {
        if (!enabled()) {
            return 'off';
        }
        const shown = window.activeTextEditor?.document.uri;
        return shown && this.isOffIn(shown) ? 'off here' : 'on';
    }

    async toggleHere(): Promise<void> {
        const shown = window.activeTextEditor?.document.uri.toString();
        if (shown === undefined) {
            return;
        }
        const others = this.files().filter((file) => file !== shown);
        const wasOff = others.length < this.files().length;
        await this.memory.update(KEY, wasOff ? others : [...others, shown]);
    }

    private files(): string[] {
        return this.memory.get<string[]>(KEY, []);
    }
}

export async function toggleEverywhere(): Promise<void> {
    const configuration = workspace.getConfiguration('verifrag');
    // The workspace's value would hide the user's: change the one that counts.
    const inWorkspace = configuration.inspect('completion.enabled')?.workspaceValue !== undefined;
    const target = inWorkspace ? ConfigurationTarget.Workspace : ConfigurationTarget.Global;
    await configuration.update('completion.enabled', !enabled(), target);
}

function enabled(): boolean {
    return workspace.getConfiguration('verifrag').get('completion.enabled', true);
}
