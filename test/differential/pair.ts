import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Service, freePort } from '../e2e/support/service.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { Wire } from './wire.ts'
import type { Both } from './world.ts'

/** A Heliport and a Distribution, both fresh, on loopback, each with a directory of its own. */
export interface Pair extends AsyncDisposable {
  readonly wires: Both<Wire>
  readonly daemon: DaemonProcess
}

/** @param program the path of Distribution's `registry` @param below where the directories are made */
export async function startPair(program: string, below: string): Promise<Pair> {
  await using starting = new AsyncDisposableStack()
  const directory = await mkdtemp(join(below, 'heliport-differential-'))
  starting.defer(() => rm(directory, { recursive: true, force: true }))
  const reference = await startReference(program, directory, starting)
  const daemon = starting.use(
    await DaemonProcess.start({
      data: join(directory, 'heliport'),
      config: { log: { level: 'warn' } },
    }),
  )
  const wires = {
    heliport: starting.use(new Wire(daemon.host)),
    reference: starting.use(new Wire(reference)),
  }
  const started = starting.move()
  return { wires, daemon, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** Distribution as it comes: only what it cannot start without is said, and that things may be deleted. */
async function startReference(
  program: string,
  directory: string,
  stack: AsyncDisposableStack,
): Promise<string> {
  const host = `127.0.0.1:${await freePort()}`
  const file = join(directory, 'distribution.json') // JSON is YAML
  const configuration = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(directory, 'distribution') },
      delete: { enabled: true },
    },
    http: { addr: host, secret: 'of this run' },
  }
  await writeFile(file, JSON.stringify(configuration, null, 2))
  const answers = async (): Promise<void> => {
    const { status } = await fetch(`http://${host}/v2/`)
    if (status !== 200) throw new Error(`the reference registry answers ${status}`)
  }
  // It would send its traces to a collector.
  const env = { OTEL_TRACES_EXPORTER: 'none' }
  const service = await Service.start(program, ['serve', file], answers, env)
  stack.defer(() => service.stop())
  return host
}
