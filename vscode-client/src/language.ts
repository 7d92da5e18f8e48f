// Brackets, comments, words and colours of the two languages, where no other extension brings them. The
// manifest can't say "unless another does": it would replace what a user's Verilog extension has.

import { Disposable, extensions, IndentAction, LanguageConfiguration, languages } from 'vscode';
import { LANGUAGES } from './languages';

const CONFIGURATION: LanguageConfiguration = {
    comments: { lineComment: '//', blockComment: ['/*', '*/'] },
    // Without words: VS Code would find the begin of a comment too, for no grammar tells it what a comment is.
    brackets: [
        ['(', ')'],
        ['[', ']'],
        ['{', '}'],
    ],
    autoClosingPairs: [
        { open: '(', close: ')' },
        { open: '[', close: ']' },
        { open: '{', close: '}' },
        { open: '"', close: '"' },
    ],
    wordPattern: /[`$]?[A-Za-z_][A-Za-z0-9_$]*/,
    onEnterRules: [
        {
            beforeText: /\bbegin\b[^;]*$/,
            action: { indentAction: IndentAction.Indent },
        },
    ],
};

/** Configure the languages that nobody else has configured. */
export function configureLanguages(): Disposable {
    const free = LANGUAGES.filter((language) => !configuredByOthers(language));
    return Disposable.from(
        ...free.map((language) => languages.setLanguageConfiguration(language, CONFIGURATION)),
    );
}

/** Whether an extension colours Verilog; where none does, the server tells keywords and comments too. */
export function hasGrammar(): boolean {
    return contributed('grammars').some(
        ({ language }) => language !== undefined && LANGUAGES.includes(language),
    );
}

function configuredByOthers(language: string): boolean {
    return contributed('languages').some(
        ({ id, configuration }) => id === language && configuration !== undefined,
    );
}

interface Contribution {
    id?: string;
    configuration?: string;
    language?: string;
}

function contributed(what: 'languages' | 'grammars'): Contribution[] {
    return extensions.all.flatMap(({ packageJSON }) => packageJSON.contributes?.[what] ?? []);
}
