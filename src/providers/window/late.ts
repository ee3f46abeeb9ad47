/**
 * Pictures that are on their way from a graphics processor. Those of one frame may be so while the next is drawn, so that
 * neither waits for the other, and no more: else the person would see what was long ago.
 */
export class LatePictures {
  #before: Promise<unknown>[] = [];
  #now: Promise<unknown>[] = [];
  #failure: { readonly error: unknown } | undefined;

  add(work: Promise<void>): void {
    // Nobody may be waiting for it when it fails.
    this.#now.push(
      work.catch((error: unknown) => {
        this.#failure ??= { error };
      }),
    );
  }

  /** At the end of a frame: waits for those of the frame before, or for all of them. Fails as they did. */
  async settle(all: boolean): Promise<void> {
    const waited = this.#before;
    this.#before = this.#now;
    this.#now = [];
    await Promise.all(waited);
    if (all) await Promise.all(this.#before.splice(0));
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
  }
}
