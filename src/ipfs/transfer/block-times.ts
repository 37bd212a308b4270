/** How long blocks took lately. */
export class BlockTimes {
  #mean = 0

  note(milliseconds: number): void {
    this.#mean += (milliseconds - this.#mean) / 8
  }

  /** So many times what a block took, within bounds; in ms. */
  of({ times, least, most }: { times: number; least: number; most: number }): number {
    return Math.min(Math.max(this.#mean * times, least), most)
  }
}
