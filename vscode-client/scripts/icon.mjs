// Draws images/icon.png from images/icon.svg with a headless Chromium: node scripts/icon.mjs [chromium]

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const images = join(import.meta.dirname, '..', 'images');
const [chromium = 'chromium'] = process.argv.slice(2);
execFileSync(chromium, [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--default-background-color=00000000',
    '--window-size=256,256',
    `--screenshot=${join(images, 'icon.png')}`,
    pathToFileURL(join(images, 'icon.svg')).href,
]);
