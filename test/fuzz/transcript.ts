/** What one client did, told only when somebody asks: most of it nobody ever does. */
export class Transcript {
  readonly #lines: { what: () => string; statuses: (number | undefined)[] }[] = []

  add(what: () => string): void {
    this.#lines.push({ what, statuses: [] })
  }

  /** The answer to what was added last. */
  answered(status: number | undefined): void {
    this.#lines.at(-1)?.statuses.push(status)
  }

  text(): string {
    const shown = this.#lines.map(({ what, statuses }) => {
      const answers = statuses.map((status) => status ?? 'no answer').join(', ')
      return `  ${what()}\n    -> ${answers || 'nothing yet'}`
    })
    return shown.join('\n')
  }
}
