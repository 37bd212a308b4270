import { digestOf } from '../../src/oci/digest.ts'
import { renderManifest } from './flaws.ts'
import { planOf } from './manifests.ts'
import { blobDigest, contentOf } from './universe.ts'
import { digestText, wrongDigest } from './world.ts'
import type {
  Amount,
  Append,
  BlobStep,
  Catalog,
  Finish,
  ManifestStep,
  Mount,
  Put,
  RangePlan,
  Referrers,
  Single,
  Start,
  Step,
  Tags,
  UploadStep,
} from './step.ts'
import type { Request } from './wire.ts'
import type { Side, Upload, World } from './world.ts'

/** What the step asks of one side. */
export function renderRequest(step: Step, world: World, side: Side): Request {
  switch (step.do) {
    case 'start':
      return start(step, world)
    case 'single':
      return single(step, world)
    case 'mount':
      return mount(step, world)
    case 'append':
    case 'finish':
    case 'status':
    case 'cancel':
      return ofUpload(step, world, side)
    case 'blob':
      return blob(step, world)
    case 'put':
      return put(step, world)
    case 'manifest':
      return manifest(step, world)
    case 'tags':
    case 'catalog':
    case 'referrers':
      return listing(step, world)
    case 'other':
      return { method: step.method, path: step.path.replaceAll('{}', world.prefix), headers: {} }
  }
}

type Parameters = readonly (readonly [name: string, value: string | undefined])[]

/** A query, if it has anything in it. What is in it is escaped but for what digests and types have. */
function query(parameters: Parameters): string {
  const given = parameters.flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${escaped(value)}`,
  )
  return given.length === 0 ? '' : `?${given.join('&')}`
}

function escaped(value: string): string {
  return encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/')
}

function uploadsOf(repository: string, world: World, parameters: Parameters): string {
  return `/v2/${world.name(repository)}/blobs/uploads/${query(parameters)}`
}

const NO_BODY = Buffer.alloc(0)

function start({ repository, algorithm }: Start, world: World): Request {
  const path = uploadsOf(repository, world, [['digest-algorithm', algorithm]])
  return { method: 'POST', path, headers: {}, body: NO_BODY }
}

function single({ repository, blob: id, digest }: Single, world: World): Request {
  const path = uploadsOf(repository, world, [['digest', digestText(digest)]])
  return { method: 'POST', path, headers: OCTETS, body: contentOf(id) }
}

function mount({ repository, digest, from }: Mount, world: World): Request {
  const name = from === undefined || from === 'No/Name' ? from : world.name(from)
  const path = uploadsOf(repository, world, [
    ['mount', digestText(digest)],
    ['from', name],
  ])
  return { method: 'POST', path, headers: {}, body: NO_BODY }
}

const OCTETS = { 'Content-Type': 'application/octet-stream' }

/** An id that nobody has given out. */
const UNKNOWN_ID = '0c7b3f4e-52a1-4f0c-9d57-5a2f1c9e4b11'

function ofUpload(step: UploadStep, world: World, side: Side): Request {
  const upload = world.upload(step.upload)
  const location = upload?.locations[side] ?? `/v2/${world.name('a')}/blobs/uploads/${UNKNOWN_ID}`
  const path = inRepository(location, upload, step.in, world)
  if (step.do === 'status') return { method: step.method, path, headers: {} }
  if (step.do === 'cancel') return { method: 'DELETE', path, headers: {} }
  const chunk = chunkOf(step, upload)
  if (step.do === 'append') {
    const type = step.type ?? OCTETS['Content-Type']
    const headers = { 'Content-Type': type, ...chunk.headers }
    return { method: 'PATCH', path, headers, body: chunk.body, chunked: step.chunked ?? false }
  }
  const digest = finalDigest(step, upload)
  const joint = path.includes('?') ? '&' : '?'
  return {
    method: 'PUT',
    path: digest === undefined ? path : `${path}${joint}digest=${digest}`,
    headers: { ...OCTETS, ...chunk.headers },
    body: chunk.body,
  }
}

function inRepository(
  location: string,
  upload: Upload | undefined,
  other: string | undefined,
  world: World,
): string {
  if (other === undefined || upload === undefined) return location
  return location.replace(
    `/${world.name(upload.repository)}/blobs/`,
    `/${world.name(other)}/blobs/`,
  )
}

/** A request that is refused before its body is read may lose the answer behind a long body. */
const SHORT = 1000

function chunkOf(
  { amount, range, ...step }: Append | Finish,
  upload: Upload | undefined,
): { body: Buffer; headers: Record<string, string> } {
  const sent = upload?.sent ?? 0
  const rest = contentOf(upload?.blob ?? 'layer').subarray(sent)
  const accepted =
    upload?.open === true &&
    step.in === undefined &&
    ['none', 'right', 'with a unit'].includes(range)
  const wanted = rest.subarray(0, lengthOf(amount, rest.length))
  const body = accepted ? wanted : wanted.subarray(0, SHORT)
  const header = contentRange(range, sent, body.length)
  return { body, headers: header === undefined ? {} : { 'Content-Range': header } }
}

function lengthOf(amount: Amount, rest: number): number {
  if (amount === 'nothing') return 0
  return amount === 'some' ? Math.ceil(rest / 3) : rest
}

function contentRange(plan: RangePlan, sent: number, length: number): string | undefined {
  const end = sent + length - 1
  switch (plan) {
    case 'none':
      return undefined
    case 'right':
      return `${sent}-${end}`
    case 'gap':
      return `${sent + 5}-${end + 5}`
    case 'repeated':
      return `0-${length - 1}`
    case 'longer than the body':
      return `${sent}-${end + 1}`
    case 'shorter than the body':
      return `${sent}-${end - 1}`
    case 'gap, and longer than the body':
      return `${sent + 5}-${end + 9}`
    case 'backwards':
      return `${sent + 5}-${sent}`
    case 'with a unit':
      return `bytes ${sent}-${end}/*`
    case 'text':
      return 'abc'
  }
}

function finalDigest({ digest }: Finish, upload: Upload | undefined): string | undefined {
  if (digest === 'missing') return undefined
  if (typeof digest === 'object') return digestText(digest)
  const algorithm = digest === 'right' ? 'sha256' : 'sha512'
  return blobDigest(upload?.blob ?? 'layer', algorithm)
}

function conditions(
  step: { range?: string; match?: string },
  digest: string,
): Record<string, string> {
  const { range, match } = step
  return {
    ...(range === undefined ? {} : { Range: range }),
    ...(match === undefined ? {} : { 'If-None-Match': match.replace('right', `"${digest}"`) }),
  }
}

function blob(step: BlobStep, world: World): Request {
  const digest = digestText(step.digest)
  const path = `/v2/${world.name(step.repository)}/blobs/${escaped(digest)}`
  return { method: step.method, path, headers: conditions(step, digest) }
}

/** The bytes that a push sends, and what it is called by. */
export function pushed({ manifest: id, flaw, to }: Put): { bytes: Buffer; reference: string } {
  const bytes = renderManifest(id, flaw)
  if ('tag' in to) return { bytes, reference: to.tag }
  if (to.digest === 'wrong') return { bytes, reference: wrongDigest(bytes) }
  return { bytes, reference: digestOf(bytes, to.digest === 'right' ? 'sha256' : 'sha512') }
}

function put(step: Put, world: World): Request {
  const { bytes, reference } = pushed(step)
  const tags = (step.tags ?? []).map((tag) => ['tag', tag] as const)
  const path = `/v2/${world.name(step.repository)}/manifests/${escaped(reference)}${query(tags)}`
  const type = step.type?.replace('right', planOf(step.manifest).mediaType)
  return {
    method: 'PUT',
    path,
    headers: type === undefined ? {} : { 'Content-Type': type },
    body: bytes,
  }
}

function manifest(step: ManifestStep, world: World): Request {
  const digest = 'tag' in step.to ? '' : digestText(step.to.digest)
  const reference = 'tag' in step.to ? step.to.tag : digest
  const path = `/v2/${world.name(step.repository)}/manifests/${escaped(reference)}`
  const accept = step.accept === undefined ? {} : { Accept: step.accept }
  return { method: step.method, path, headers: { ...accept, ...conditions(step, digest) } }
}

function listing(step: Tags | Catalog | Referrers, world: World): Request {
  return { method: 'GET', path: listingPath(step, world), headers: {} }
}

function listingPath(step: Tags | Catalog | Referrers, world: World): string {
  switch (step.do) {
    case 'tags': {
      const parameters = query([
        ['n', step.n],
        ['last', step.last],
      ])
      return `/v2/${world.name(step.repository)}/tags/list${parameters}`
    }
    case 'catalog': {
      // From the sequence's own repositories on: what others left behind is before them.
      const last = step.last === undefined ? world.prefix : world.name(step.last)
      return `/v2/_catalog${query([
        ['n', step.n],
        ['last', last],
      ])}`
    }
    case 'referrers': {
      const filter = query([['artifactType', step.filter]])
      const digest = escaped(digestText(step.digest))
      return `/v2/${world.name(step.repository)}/referrers/${digest}${filter}`
    }
  }
}
