import { formatBytes } from './format.ts'
import type { ExportProgress } from './daemon-face.ts'
import type { CommandIO } from './io.ts'

/** On a terminal one line is rewritten often; elsewhere lines add up, so they come seldom. */
const INTERVAL_MS = { terminal: 100, file: 5000 }
const CLEAR_LINE = '\r\u001B[K'

/** Shows how far a long command is, on stderr. */
export function showProgress(
  io: CommandIO,
  verb: string,
): { update(this: void, progress: ExportProgress): void; end(this: void): void } {
  const terminal = io.stderr.isTTY === true
  const interval = terminal ? INTERVAL_MS.terminal : INTERVAL_MS.file
  let last: ExportProgress = { files: 0, bytes: 0 }
  let shownAt = io.now()
  const show = (): void => {
    const line = `${verb} ${last.files} files, ${formatBytes(last.bytes)}`
    io.stderr.write(terminal ? `${CLEAR_LINE}${line}` : `${line}\n`)
    shownAt = io.now()
  }
  return {
    update: (progress) => {
      // A final line may not repeat the counts.
      last = {
        files: Math.max(last.files, progress.files),
        bytes: Math.max(last.bytes, progress.bytes),
      }
      if (io.now() - shownAt >= interval) show()
    },
    end: () => {
      show()
      if (terminal) io.stderr.write('\n')
    },
  }
}
