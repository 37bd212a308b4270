import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../../src/oci/digest.ts'
import { DAMAGES } from '../damage.ts'
import type { SeededRandom } from '../random.ts'
import type { Owner } from './owner.ts'

/** What a start on damaged files came to. */
export type AtRest = 'served' | 'partly' | 'refused'

const MIB = 1024 * 1024

/**
 * Damages a database file or the log of an upload of a daemon that is stopped, and starts it on that. Afterwards the
 * daemon has its sound files again.
 *
 * @throws AssertionError when it serves something wrong, or goes back in silence
 */
export async function damageAtRest(owner: Owner, random: SeededRandom): Promise<AtRest> {
  const { daemon } = owner
  const upload = await beginUpload(owner)
  const sound = `${daemon.data}-sound`
  await daemon.stop()
  await cp(daemon.data, sound, { recursive: true })
  const file = await pickFile(daemon.data, random)
  const [what, damage] = random.pick(Object.entries(DAMAGES)) ?? assert.fail()
  const other = await pickFile(daemon.data, random)
  try {
    await damage(file, random, other)
    return await start(owner, upload)
  } catch (error) {
    const log = daemon.log.filter((line) => !line.includes('"level":30')).slice(-4)
    throw new Error(
      `${file} ${what}\n${log.join('\n')}${what.startsWith('swapped') ? ` ${other}` : ''}`,
      { cause: error },
    )
  } finally {
    await daemon.kill()
    await rm(daemon.data, { recursive: true })
    await cp(sound, daemon.data, { recursive: true })
    await rm(sound, { recursive: true })
    await daemon.restart()
  }
}

interface Begun {
  readonly path: string
  readonly bytes: Uint8Array
  readonly confirmed: number
}

async function beginUpload({ client }: Owner): Promise<Begun> {
  const bytes = randomBytes(3 * MIB)
  const confirmed = 2 * MIB + 70_000
  const path = await client.patch(
    await client.startUpload('rot/uploads'),
    bytes.subarray(0, confirmed),
  )
  return { path, bytes, confirmed }
}

/** A file that is written to; what is only read, or says who runs, is of no interest. */
async function pickFile(data: string, random: SeededRandom): Promise<string> {
  const directory = join(data, random.pick(['state', 'state', 'uploads']) ?? 'state')
  const names = (await readdir(directory)).filter((name) => !/^(LOCK|LOG|LOG\.old)$/.test(name))
  const files = names.map((name) => join(directory, name)).toSorted()
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return random.pick(files.filter((_, at) => (sizes[at] ?? 0) > 0)) ?? assert.fail()
}

async function start(owner: Owner, upload: Begun): Promise<AtRest> {
  const started = await startsReadOnly(owner)
  if (started === 'refused') return 'refused'
  let isWhole = started === 'ready'
  for (const target of owner.targets) isWhole = (await owner.ask(target)) === 200 && isWhole
  const { status, body } = await owner.client.call('GET', '/v2/rot/app/tags/list')
  if (status === 200) {
    const { tags } = JSON.parse(body.toString()) as { tags: string[] }
    assert.ok(tags.length === 6 || started === 'readOnly', 'some tags are gone')
    isWhole &&= tags.length === 6
  } else assert.ok(status >= 500, `the list of tags is answered with ${status}`)
  isWhole = (await finish(owner, upload)) && status === 200 && isWhole
  return isWhole ? 'served' : 'partly'
}

/** One that does not take writes does not count as started for {@link DaemonProcess}; it is asked all the same. */
async function startsReadOnly({ daemon }: Owner): Promise<'ready' | 'readOnly' | 'refused'> {
  try {
    await daemon.restart()
    return 'ready'
  } catch (error) {
    assert.ok(error instanceof Error && error.cause instanceof Error)
    if (/^not ready: .*takes no changes/.test(error.cause.message)) {
      await daemon.restartUnready()
      return 'readOnly'
    }
    assert.match(error.cause.message, /the daemon ended with \d/, daemon.log.slice(-3).join('\n'))
    const [line = ''] = daemon.log.filter((text) => text.startsWith('heliport: ')).slice(-1)
    assert.match(line, /^heliport: .*\S/, 'it refuses to start, and says nothing')
    return 'refused'
  }
}

/** The upload goes on where it stands, or is gone; its content is right, or refused. */
async function finish({ client }: Owner, { path, bytes }: Begun): Promise<boolean> {
  const { status, headers } = await client.call('GET', path)
  if (status !== 204) {
    assert.ok(status === 404 || status >= 500, `an upload is answered with ${status}`)
    return false
  }
  const last = Number(/^0-(\d+)$/.exec(headers.get('range') ?? '')?.[1])
  const offset = last === 0 ? 0 : last + 1
  assert.ok(offset <= bytes.length)
  const patched = await client.call('PATCH', path, { body: bytes.subarray(offset) })
  if (patched.status >= 500) return false
  const digest = digestOf(bytes)
  const ended = await client.call('PUT', `${path}?digest=${digest}`)
  if (ended.status !== 201) {
    assert.ok(
      ended.status >= 500 || ended.code() === 'DIGEST_INVALID',
      `it ends with ${ended.status}`,
    )
    return false
  }
  assert.ok((await client.blob('rot/uploads', digest)).equals(bytes))
  return true
}
