import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '../../../src/oci/digest.ts'
import { DAMAGES } from '../damage.ts'
import type { SeededRandom } from '../random.ts'
import { isOperatorError } from '../../../src/cli/daemon-face.ts'
import { offlineCheck } from '../../support/offline-check.ts'
import { randomImage } from '../../support/random-image.ts'
import type { Owner, Target } from './owner.ts'

/**
 * What starts on damaged files came to: everything is there; some answers are 503; nothing is taken, for the newest state is
 * not known; there is a start after `fsck --repair` only; or none.
 */
export type AtRest = 'served' | 'partly' | 'readOnly' | 'repaired' | 'refused'

/** Starts on the same damage: what one has seen, the next must not forget. */
const STARTS = 3

const MIB = 1024 * 1024
const NEWEST = 'rot/newest'

/**
 * Pushes something, damages a database file or the log of an upload of the daemon that was stopped or killed right after,
 * and starts it on that, several times. Afterwards the daemon has its sound files again.
 *
 * @throws AssertionError when it serves something wrong, or goes back in silence
 */
export async function damageAtRest(owner: Owner, random: SeededRandom): Promise<AtRest> {
  const { daemon } = owner
  const upload = await beginUpload(owner)
  const newest = await pushNewest(owner)
  const sound = `${daemon.data}-sound`
  await (random.between(0, 2) === 0 ? daemon.stop() : daemon.kill())
  // A daemon that was killed leaves its socket, which is no file to copy.
  await cp(daemon.data, sound, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  const file = await pickFile(daemon.data, random)
  const [what, damage] = random.pick(Object.entries(DAMAGES)) ?? assert.fail()
  const other = await pickFile(daemon.data, random)
  try {
    await damage(file, random, other)
    return await starts(owner, upload, newest)
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

/** What was acknowledged last, and where the name stood then. */
interface Newest extends Pick<Target, 'path' | 'bytes'> {
  readonly sequence: number
  readonly publishedRoot: string | null
}

async function pushNewest({ client, daemon }: Owner): Promise<Newest> {
  const image = randomImage({ layers: [1000] })
  // A tag of its own: where the newest state is not known, one that moved is served as it was (faults, F09).
  const tag = `newest-${image.digest.slice(7, 19)}`
  await client.pushImage(NEWEST, image, { tag })
  const { ipns } = await daemon.until(
    (status) => status.ipns?.publishedRoot === status.storage.root,
  )
  const { sequence, publishedRoot } = ipns ?? assert.fail()
  return { path: `/v2/${NEWEST}/manifests/${tag}`, bytes: image.bytes, sequence, publishedRoot }
}

async function starts(owner: Owner, upload: Begun, newest: Newest): Promise<AtRest> {
  const { daemon } = owner
  const outcomes: AtRest[] = []
  for (let number = 1; number <= STARTS; number++) {
    if (number > 1) await (number % 2 === 0 ? daemon.kill() : daemon.stop())
    // Whoever came back to the upload may have ended it.
    const outcome = await start(owner, number === 1 ? upload : undefined, newest)
    outcomes.push(outcome)
    if (outcome === 'refused') return isRepaired(owner, newest)
  }
  const [first = assert.fail()] = outcomes
  if (outcomes.includes('readOnly') || first === 'readOnly')
    assert.ok(
      outcomes.every((outcome) => outcome === 'readOnly'),
      `starts: ${outcomes}`,
    )
  return outcomes.includes('partly') ? 'partly' : (outcomes.at(-1) ?? first)
}

/** What cannot be started on can be repaired, as far as it can be opened then; and then the same holds as ever. */
async function isRepaired(owner: Owner, newest: Newest): Promise<AtRest> {
  try {
    await offlineCheck(owner.daemon.data, { repair: true })
  } catch (error) {
    assert.ok(isOperatorError(error), `fsck --repair fails with ${String(error)}`)
    return 'refused'
  }
  const outcome = await start(owner, undefined, newest)
  return outcome === 'refused' ? 'refused' : 'repaired'
}

async function start(owner: Owner, upload: Begun | undefined, newest: Newest): Promise<AtRest> {
  const started = await startsReadOnly(owner)
  if (started === 'refused') return 'refused'
  // It is right, or refused: the newest push like any other.
  let isWhole = (await owner.ask(newest)) === 200
  for (const target of owner.targets) isWhole = (await owner.ask(target)) === 200 && isWhole
  const { ipns } = await owner.daemon.status()
  assert.ok(
    (ipns?.sequence ?? 0) >= newest.sequence,
    `the sequence was ${newest.sequence}, and is ${ipns?.sequence}`,
  )
  if (started === 'readOnly') assert.equal(ipns?.publishedRoot, newest.publishedRoot)
  const { status, body } = await owner.client.call('GET', '/v2/rot/app/tags/list')
  if (status === 200) {
    assert.equal(started, 'ready', 'a list of what is not known as a whole')
    const { tags } = JSON.parse(body.toString()) as { tags: string[] }
    assert.equal(tags.length, 6, 'some tags are gone')
  } else assert.ok(status >= 500, `the list of tags is answered with ${status}`)
  if (upload !== undefined) isWhole = (await finish(owner, upload)) && isWhole
  isWhole &&= status === 200
  if (started === 'readOnly') return 'readOnly'
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
