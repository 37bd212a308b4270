import { formatBytes } from './format.ts'
import type { ExportProgress } from './daemon-face.ts'
import type { CommandIO } from './io.ts'

/** On a terminal one line is rewritten often; elsewhere lines add up, so they come seldom. */
const INTERVAL_MS = { terminal: 100, file: 5000 }
const CLEAR_LINE = '\r\u001B[K'

/** Letters of a bar. */
const BAR = 30

/** Shows on a terminal how far something is of which the end is known; elsewhere a line now and then. */
export function showBar(io: CommandIO): {
  /** @param part from 0 to 1 */
  update(this: void, part: number, words: string): void
  end(this: void): void
} {
  const terminal = io.stderr.isTTY === true
  const interval = terminal ? INTERVAL_MS.terminal : INTERVAL_MS.file
  let shownAt: number | undefined
  return {
    update: (part, words) => {
      if (shownAt !== undefined && io.now() - shownAt < interval) return
      shownAt = io.now()
      const within = Math.min(1, Math.max(0, part))
      const full = Math.floor(within * BAR)
      const percent = `${Math.floor(within * 100)}%`
      const bar = `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}] ${percent.padStart(4)}  ${words}`
      io.stderr.write(terminal ? `${CLEAR_LINE}${bar}` : `${percent} ${words}\n`)
    },
    end: () => {
      if (terminal && shownAt !== undefined) io.stderr.write(CLEAR_LINE)
    },
  }
}

/** Shows how far something is of which the end is not known, on a terminal only, in one line that is rewritten. */
export function showLine({ stderr }: CommandIO): {
  update(this: void, words: string): void
  /** Before anything else is written. */
  end(this: void): void
} {
  let isShown = false
  return {
    update: (words) => {
      if (stderr.isTTY !== true) return
      stderr.write(`${CLEAR_LINE}${words}`)
      isShown = true
    },
    end: () => {
      if (isShown) stderr.write(CLEAR_LINE)
      isShown = false
    },
  }
}

/** Shows how far a long command is, on stderr. */
export function showProgress(
  io: CommandIO,
  verb: string,
): {
  update(this: void, progress: ExportProgress): void
  /** Says what was done in the end; of what was refused before it began, nothing. */
  end(this: void, how: { isDone: boolean }): void
} {
  const terminal = io.stderr.isTTY === true
  const interval = terminal ? INTERVAL_MS.terminal : INTERVAL_MS.file
  let last: ExportProgress = { files: 0, bytes: 0 }
  let shownAt = io.now()
  let hasBegun = false
  const show = (): void => {
    const line = `${verb} ${last.files} files, ${formatBytes(last.bytes)}`
    io.stderr.write(terminal ? `${CLEAR_LINE}${line}` : `${line}\n`)
    shownAt = io.now()
  }
  return {
    update: (progress) => {
      hasBegun = true
      // A final line may not repeat the counts.
      last = {
        files: Math.max(last.files, progress.files),
        bytes: Math.max(last.bytes, progress.bytes),
      }
      if (io.now() - shownAt >= interval) show()
    },
    end: ({ isDone }) => {
      if (!isDone && !hasBegun) return
      show()
      if (terminal) io.stderr.write('\n')
    },
  }
}
