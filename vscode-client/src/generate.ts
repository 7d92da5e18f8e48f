// The server's code actions as commands: for the palette, the context menu and a key of the user's.

import { CodeAction, commands, window } from 'vscode';

/** Write the module that the comment under the cursor describes. */
export function generateModule(): Promise<void> {
    return runOrExplain(
        'verifrag.generate',
        'put the cursor on a comment outside a module that says what to write',
    );
}

/** Write the body of the module that the cursor is in. */
export function writeBody(): Promise<void> {
    return runOrExplain('verifrag.body', 'put the cursor into a module whose body is still to be written');
}

async function runOrExplain(command: string, hint: string): Promise<void> {
    if (!(await runAction(command))) {
        void window.showInformationMessage(`Verifrag: ${hint}, and try again.`);
    }
}

/** Run the code action under the cursor that calls the server's `command`; whether there was one. */
async function runAction(command: string): Promise<boolean> {
    const editor = window.activeTextEditor;
    if (editor === undefined) {
        return false;
    }
    const actions = await commands.executeCommand<CodeAction[]>(
        'vscode.executeCodeActionProvider',
        editor.document.uri,
        editor.selection,
    );
    const action = actions.find((offered) => offered.command?.command === command);
    if (action?.command === undefined) {
        return false;
    }
    await commands.executeCommand(action.command.command, ...(action.command.arguments ?? []));
    return true;
}
