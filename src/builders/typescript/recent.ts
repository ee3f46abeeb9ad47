/** What was made of late, by key, at most so many; what failed is made anew. */
export class Recent<T> {
  readonly #max: number;
  /** Least recently used first, as Map keeps insertion order. */
  readonly #made = new Map<string, Promise<T>>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string, make: () => Promise<T>): Promise<T> {
    const made = this.#made.get(key) ?? make();
    this.#made.delete(key);
    this.#made.set(key, made);
    made.catch(() => this.#made.delete(key));
    for (const oldest of this.#made.keys()) {
      if (this.#made.size <= this.#max) break;
      this.#made.delete(oldest);
    }
    return made;
  }
}
