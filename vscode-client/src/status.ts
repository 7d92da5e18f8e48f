// The status bar item and the menu behind it.

import { commands, Disposable, StatusBarAlignment, ThemeColor, window } from 'vscode';
import { look, menu, Standing } from './state';

const COLOURS = {
    none: undefined,
    warning: new ThemeColor('statusBarItem.warningBackground'),
    error: new ThemeColor('statusBarItem.errorBackground'),
};

/** Shows how Verifrag stands; a click opens the menu. */
export class Status implements Disposable {
    private readonly item = window.createStatusBarItem('verifrag.status', StatusBarAlignment.Right, 100);
    private standing: Standing = { server: 'starting', engine: undefined, working: false, ghostText: 'on' };

    constructor() {
        this.item.name = 'Verifrag';
        this.item.command = 'verifrag.menu';
        this.show({});
        this.item.show();
    }

    /** Show `changes` of the standing. */
    show(changes: Partial<Standing>): void {
        this.standing = { ...this.standing, ...changes };
        const { icon, tooltip, alarm } = look(this.standing);
        this.item.text = `$(${icon}) Verifrag`;
        this.item.tooltip = `Verifrag: ${tooltip}`;
        this.item.accessibilityInformation = { label: `Verifrag: ${tooltip}`, role: 'button' };
        this.item.backgroundColor = COLOURS[alarm];
    }

    async openMenu(): Promise<void> {
        const title = `Verifrag: ${look(this.standing).tooltip.split('\n').join(' · ')}`;
        const picked = await window.showQuickPick(menu(this.standing), { title });
        if (picked) {
            await commands.executeCommand(picked.command);
        }
    }

    dispose(): void {
        this.item.dispose();
    }
}
