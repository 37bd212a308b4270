import type { Tally } from './tally.ts'

/** How often the line on a terminal is renewed, in ms. */
const ON_TERMINAL_MS = 500
/** How often a line is added elsewhere, in ms. */
const ELSEWHERE_MS = 60_000

/** Shows how far it has come, until it is disposed of: one line on a terminal, now and then one elsewhere. */
export function showProgress(tally: Tally, wanted: number): Disposable {
  const { isTTY } = process.stdout
  const line = (): string =>
    `${tally.sequences}/${wanted} sequences, ${tally.exchanges} requests to each, ${Math.round(tally.seconds)} s`
  const show = (): void => {
    if (isTTY) process.stdout.write(`\r${line()}`)
    else console.log(line())
  }
  const timer = setInterval(show, isTTY ? ON_TERMINAL_MS : ELSEWHERE_MS)
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer)
      if (isTTY) process.stdout.write('\r\u001B[K')
    },
  }
}
