import { digestOf, tryParseDigest } from '../../src/oci/digest.ts'
import { headerOf } from './exchange.ts'
import { planOf } from './manifests.ts'
import { pushed } from './request.ts'
import { digestText } from './world.ts'
import type { Exchange } from './exchange.ts'
import type { Finish, ManifestStep, Put, Step, UploadStep } from './step.ts'
import type { BlobId, Repository } from './universe.ts'
import type { Answer } from './wire.ts'
import type { World } from './world.ts'

/** Accept headers of a client that takes everything. */
export const ACCEPT_ALL = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  '*/*',
].join(', ')

/** Takes from two answers, in which there is no difference that matters, what later steps need to know. */
export function learn(exchange: Exchange): void {
  const { step, world } = exchange
  switch (step.do) {
    case 'start':
      return begin(exchange, step.repository, step.blob)
    case 'mount': {
      const blob = 'blob' in step.digest ? step.digest.blob : 'layer'
      blobSent(exchange, step.repository, digestText(step.digest))
      return begin(exchange, step.repository, blob)
    }
    case 'single':
      return blobSent(exchange, step.repository, digestText(step.digest))
    case 'append':
    case 'finish':
    case 'status':
    case 'cancel':
      return goOn(exchange, step)
    case 'blob': {
      const digest = digestText(step.digest)
      if (step.method === 'DELETE' && exchange.heliport.status === 202)
        world.in(step.repository).blobs.delete(digest)
      return lookAtBlob(world, step.repository, digest)
    }
    case 'put':
      return put(exchange, step)
    case 'manifest':
      return manifest(exchange, step)
    default:
  }
}

function begin(
  { world, heliport, reference }: Exchange,
  repository: Repository,
  blob: BlobId,
): void {
  if (heliport.status !== 202 || reference.status !== 202) return
  const locations = { heliport: locationOf(heliport), reference: locationOf(reference) }
  world.uploads.push({ repository, blob, locations, sent: 0, open: true })
}

/** Where an answer says that an upload goes on: path and query. */
export function locationOf(answer: Answer): string {
  const { pathname, search } = new URL(headerOf(answer, 'location') ?? '', 'http://registry')
  return pathname + search
}

function blobSent({ world, heliport }: Exchange, repository: Repository, digest: string): void {
  if (heliport.status === 201) world.in(repository).blobs.add(digest)
  lookAtBlob(world, repository, digest)
}

function goOn(exchange: Exchange, step: UploadStep): void {
  const { world, requests, heliport, reference } = exchange
  const upload = world.upload(step.upload)
  if (upload === undefined) return
  const { status } = heliport
  if (status !== reference.status) return
  if (status === 202 || (status === 204 && step.do === 'status')) {
    upload.locations.heliport = locationOf(heliport)
    upload.locations.reference = locationOf(reference)
  }
  if (step.do === 'append' && status === 202) upload.sent += requests.heliport.body?.length ?? 0
  if (step.do === 'cancel' && status === 204) upload.open = false
  if (step.do === 'finish' && ends(step, status)) upload.open = false
  if (step.do === 'finish') {
    const digest = new URLSearchParams(requests.heliport.path.split('?')[1]).get('digest')
    if (digest !== null) blobSent(exchange, upload.repository, digest)
  }
}

/** An upload ends well, or with another digest than was promised; a digest that is none changes nothing. */
function ends({ digest }: Finish, status: number): boolean {
  const isText = typeof digest === 'object' && 'text' in digest
  const isDigest = isText ? tryParseDigest(digest.text) !== undefined : digest !== 'missing'
  return status === 201 || (status === 400 && isDigest)
}

function put({ world, heliport }: Exchange, step: Put): void {
  const { repository } = step
  const { bytes, reference } = pushed(step)
  const digest = reference.includes(':') ? reference : digestOf(bytes)
  const tags = tagsOf(step)
  if (heliport.status === 201) {
    const there = world.in(repository)
    there.manifests.set(digest, { bytes, mediaType: planOf(step.manifest).mediaType })
    for (const tag of tags) there.tags.set(tag, digest)
  }
  lookAtManifest(world, repository, digest)
  for (const tag of tags) lookAtTag(world, repository, tag)
}

/** The tags that a push sets. */
export function tagsOf({ to, tags = [] }: Put): string[] {
  return 'tag' in to ? [to.tag] : tags
}

function manifest({ world, heliport }: Exchange, { method, repository, to }: ManifestStep): void {
  if (method !== 'DELETE') return
  const isGone = heliport.status === 202
  if ('tag' in to) {
    if (isGone) world.in(repository).tags.delete(to.tag)
    return lookAtTag(world, repository, to.tag)
  }
  const digest = digestText(to.digest)
  if (isGone) forgetManifest(world, repository, digest)
  lookAtManifest(world, repository, digest)
}

/** With all tags that point to it. */
export function forgetManifest(world: World, repository: Repository, digest: string): void {
  const { manifests, tags } = world.in(repository)
  manifests.delete(digest)
  for (const [tag, target] of tags) if (target === digest) tags.delete(tag)
}

function lookAtBlob(world: World, repository: Repository, text: string): void {
  look(world, { do: 'blob', method: 'HEAD', repository, digest: { text } })
}

function lookAtManifest(world: World, repository: Repository, text: string): void {
  const to = { digest: { text } }
  look(world, { do: 'manifest', method: 'GET', repository, to, accept: ACCEPT_ALL })
}

function lookAtTag(world: World, repository: Repository, tag: string): void {
  look(world, { do: 'manifest', method: 'GET', repository, to: { tag }, accept: ACCEPT_ALL })
}

/** Notes that something is to be looked at once more in the end, with the lists that it may be in. */
function look(world: World, step: Step & { repository: Repository }): void {
  const { repository } = step
  for (const each of [step, { do: 'tags', repository } as const, { do: 'catalog' } as const])
    world.audit.set(JSON.stringify(each), each)
}
