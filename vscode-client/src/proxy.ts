// The proxy that VS Code was told of, in the words that pip and the model hub understand.

const SETTINGS = { http_proxy: 'proxy', https_proxy: 'proxy', no_proxy: 'noProxy' };

/** Variables for programs that fetch something; what `environment` says already counts. `http` reads a
 * setting of VS Code's section of that name. */
export function proxyVariables(
    http: (setting: string) => string | string[] | undefined,
    environment: NodeJS.ProcessEnv,
): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [name, setting] of Object.entries(SETTINGS)) {
        const value = [http(setting) ?? []].flat().join(',');
        if (value && !environment[name] && !environment[name.toUpperCase()]) {
            found[name] = value;
        }
    }
    return found;
}
