/** The checks, as other suites tell them: each has a line, and the sum is at the end. */
export class Checks {
  #passed = 0
  #failed = 0

  /** Runs one. False when it failed; what comes after it may not make sense then. */
  async run(what: string, work: () => Promise<string | void>): Promise<boolean> {
    try {
      const more = await work()
      console.log(`  ✔ ${what}${more ? `: ${more}` : ''}`)
      this.#passed++
      return true
    } catch (error) {
      console.log(`  ✗ ${what}\n${error instanceof Error ? error.message : String(error)}`)
      this.#failed++
      return false
    }
  }

  /** @returns the exit code */
  end(): number {
    console.log(`\n  ${this.#passed} passing`)
    if (this.#failed > 0) console.log(`  ${this.#failed} failing`)
    return this.#failed > 0 ? 1 : 0
  }
}
