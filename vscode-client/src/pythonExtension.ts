// Asks the Python extension, where it is installed, which interpreter the user has chosen.

import { Disposable, extensions, Uri, workspace } from 'vscode';

// The part of its public API that is used here.
interface PythonApi {
    environments: {
        getActiveEnvironmentPath(resource?: Uri): { id: string; path: string };
        resolveEnvironment(path: {
            id: string;
            path: string;
        }): Promise<{ executable: { uri: Uri | undefined } } | undefined>;
        onDidChangeActiveEnvironmentPath(listener: () => void): Disposable;
    };
}

/** The interpreter chosen for the first folder, if any. */
export async function chosenPython(): Promise<string[]> {
    const api = await pythonApi();
    if (api === undefined) {
        return [];
    }
    const active = api.environments.getActiveEnvironmentPath(workspace.workspaceFolders?.[0]?.uri);
    const resolved = await api.environments.resolveEnvironment(active);
    return resolved?.executable.uri ? [resolved.executable.uri.fsPath] : [];
}

/** Call `listener` whenever the user chooses another interpreter. */
export async function onChoice(listener: () => void): Promise<Disposable> {
    const api = await pythonApi();
    return api?.environments.onDidChangeActiveEnvironmentPath(listener) ?? new Disposable(() => {});
}

async function pythonApi(): Promise<PythonApi | undefined> {
    return await extensions.getExtension<PythonApi>('ms-python.python')?.activate();
}
