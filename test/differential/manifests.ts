import { digestOf } from '../../src/oci/digest.ts'
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  OCI_IMAGE_INDEX,
  OCI_IMAGE_MANIFEST,
} from '../../src/oci/media-type.ts'
import { NOWHERE, blobDigest, contentOf } from './universe.ts'
import type { Digest, DigestAlgorithm } from '../../src/oci/digest.ts'
import type { BlobId } from './universe.ts'

/** The simplest first: fast-check makes a failure shorter in this direction. */
export const MANIFESTS = [
  'empty index',
  'image without layers',
  'image',
  'large image',
  'image with an empty layer',
  'image with the same layer twice',
  'image with a sha512 layer',
  'docker image',
  'chart without a type',
  'artifact of image',
  'signature of image',
  'artifact of nothing here',
  'artifact of a blob',
  'index',
  'index without a type',
  'index of an index',
  'index of image',
  'fallback list',
  'docker list',
  'docker list of an OCI image',
] as const
export type ManifestId = (typeof MANIFESTS)[number]

export type Json = Readonly<Record<string, unknown>>

/** A manifest of the world, before anything is made wrong with it. */
export interface ManifestPlan {
  readonly mediaType: string
  readonly json: Json
  /** What has to be there first, in the order in which a client would push it. */
  readonly blobs: readonly (readonly [BlobId, DigestAlgorithm])[]
  readonly children: readonly ManifestId[]
}

const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'
const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'
const EMPTY = 'application/vnd.oci.empty.v1+json'

type Part = readonly [blob: BlobId, mediaType: string, algorithm?: DigestAlgorithm]

interface ImageInit {
  type?: string
  config: Part
  layers?: readonly Part[]
  /** Fields beside them; `mediaType: undefined` leaves it out. */
  extra?: Json
}

function image({ type = OCI_IMAGE_MANIFEST, config, layers = [], extra }: ImageInit): ManifestPlan {
  const json = {
    schemaVersion: 2,
    mediaType: type,
    config: descriptor(config),
    layers: layers.map(descriptor),
    ...extra,
  }
  const blobs = [config, ...layers].map(
    ([blob, , algorithm = 'sha256']) => [blob, algorithm] as const,
  )
  return { mediaType: type, json, blobs, children: [] }
}

function descriptor([blob, mediaType, algorithm]: Part): Json {
  return { mediaType, digest: blobDigest(blob, algorithm), size: contentOf(blob).length }
}

function index(
  children: readonly ManifestId[],
  type = OCI_IMAGE_INDEX,
  extra: Json = {},
): ManifestPlan {
  const manifests = children.map((child) => ({
    ...referTo(child),
    platform: { architecture: 'amd64', os: 'linux' },
  }))
  const json = { schemaVersion: 2, mediaType: type, manifests, ...extra }
  return { mediaType: type, json, blobs: [], children }
}

function referTo(id: ManifestId): Json {
  const bytes = manifestBytes(id)
  return { mediaType: planOf(id).mediaType, digest: digestOf(bytes), size: bytes.length }
}

const annotations = { 'org.example.note': 'zwölf <&> "quoted"' }

/** Each is made when it is first asked for, since some refer to others. */
const PLANS: Readonly<Record<ManifestId, () => ManifestPlan>> = {
  image: () =>
    image({
      config: ['config', CONFIG],
      layers: [
        ['layer', LAYER],
        ['byte', LAYER],
      ],
    }),
  'image without layers': () => image({ config: ['json', CONFIG] }),
  'large image': () =>
    image({
      config: ['config', CONFIG],
      layers: [
        ['below a MiB', LAYER],
        ['over a MiB', LAYER],
      ],
    }),
  'image with an empty layer': () =>
    image({ config: ['json', CONFIG], layers: [['empty', LAYER]] }),
  'image with the same layer twice': () =>
    image({
      config: ['config', CONFIG],
      layers: [
        ['layer', LAYER],
        ['layer', LAYER],
      ],
    }),
  'image with a sha512 layer': () =>
    image({ config: ['config', CONFIG], layers: [['other', LAYER, 'sha512']] }),
  'docker image': () =>
    image({
      type: DOCKER_MANIFEST,
      config: ['config', DOCKER_CONFIG],
      layers: [['layer', DOCKER_LAYER]],
    }),
  // As helm pushes them.
  'chart without a type': () =>
    image({
      config: ['json', 'application/vnd.cncf.helm.config.v1+json'],
      layers: [['other', 'application/vnd.cncf.helm.chart.content.v1.tar+gzip']],
      extra: { mediaType: undefined, annotations },
    }),
  'artifact of image': () =>
    image({
      config: ['json', EMPTY],
      layers: [['byte', 'text/plain']],
      extra: {
        artifactType: 'application/vnd.example.sbom',
        subject: referTo('image'),
        annotations,
      },
    }),
  'signature of image': () =>
    image({
      config: ['json', 'application/vnd.example.signature'],
      extra: { subject: referTo('image') },
    }),
  'artifact of nothing here': () =>
    image({
      config: ['json', EMPTY],
      extra: {
        artifactType: 'application/vnd.example.sbom',
        subject: { mediaType: OCI_IMAGE_MANIFEST, digest: NOWHERE, size: 7 },
      },
    }),
  'artifact of a blob': () =>
    image({
      config: ['json', EMPTY],
      extra: { subject: descriptor(['layer', 'application/octet-stream']) },
    }),
  index: () => index(['image', 'chart without a type']),
  'index without a type': () => index(['image'], OCI_IMAGE_INDEX, { mediaType: undefined }),
  'empty index': () => index([]),
  'index of an index': () => index(['empty index', 'image without layers']),
  'index of image': () =>
    index(['image without layers'], OCI_IMAGE_INDEX, {
      artifactType: 'application/vnd.example.set',
      subject: referTo('image'),
      annotations,
    }),
  // What clients keep under the tag `sha256-…` where there is no referrers API.
  'fallback list': () => index(['artifact of nothing here']),
  'docker list': () => index(['docker image'], DOCKER_MANIFEST_LIST),
  'docker list of an OCI image': () => index(['image'], DOCKER_MANIFEST_LIST),
}

const plans = new Map<ManifestId, ManifestPlan>()

export function planOf(id: ManifestId): ManifestPlan {
  const plan = plans.get(id) ?? PLANS[id]()
  plans.set(id, plan)
  return plan
}

/** The manifest as it is pushed. */
export function manifestBytes(id: ManifestId): Buffer {
  return Buffer.from(JSON.stringify(planOf(id).json))
}

export function manifestDigest(id: ManifestId): Digest {
  return digestOf(manifestBytes(id))
}
