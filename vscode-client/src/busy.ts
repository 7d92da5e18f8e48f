// Whether something has been going on for longer than a moment: what is shorter would only flicker.

const MOMENT_MILLISECONDS = 200;

export class Busy {
    private running = 0;

    /** `tell` hears when work has gone on for a moment, and when all of it is over. */
    constructor(
        private readonly tell: (busy: boolean) => void,
        private readonly moment = MOMENT_MILLISECONDS,
    ) {}

    /** What `work` gives, counted as going on until then. */
    async during<T>(work: PromiseLike<T>): Promise<T> {
        const timer = setTimeout(() => this.tell(true), this.moment);
        this.running += 1;
        try {
            return await work;
        } finally {
            clearTimeout(timer);
            this.running -= 1;
            if (this.running === 0) {
                this.tell(false);
            }
        }
    }
}
