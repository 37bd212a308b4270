import { Leases } from '../registry/leases.ts'
import { Overlay } from '../registry/overlay.ts'
import { Registry } from '../registry/registry-service.ts'
import { Tombstones } from '../registry/tombstones.ts'
import { Trust } from '../registry/trust.ts'
import { Uploads } from '../registry/uploads.ts'
import type { AgeClock } from './age-clock.ts'
import type { Config } from '../config/schema.ts'
import type { StandingRules } from '../registry/ports.ts'
import type { Room } from '../registry/room.ts'
import type { MirrorErrorHandler, MirrorSource } from '../registry/mirror.ts'
import type { Signatures } from './signatures.ts'
import type { Storage } from './storage.ts'

/** The rules of this registry over its storage and its mirrors. */
export interface OpenRegistry {
  readonly overlay: Overlay
  readonly service: Registry
  readonly tombstones: Tombstones
  readonly trust: Trust
  readonly uploads: Uploads
  readonly leases: Leases
}

/** What else the registry is made with. */
interface RegistryWith {
  readonly onMirrorError: MirrorErrorHandler
  readonly room: Room
  readonly signatures: Signatures
  /** What holds for everybody. */
  readonly rules: StandingRules
  /** By which uploads become old. */
  readonly ages: AgeClock
}

/** Puts the room `registry` together. */
export async function openRegistry(
  config: Config,
  { state, lane, contents, uploads: store, source: own, history }: Storage,
  opened: readonly { readonly source: MirrorSource }[],
  { onMirrorError, room, signatures, rules, ages }: RegistryWith,
): Promise<OpenRegistry> {
  const now = Date.now
  const blobLimit = config.limits.blob
  const mirrors = opened.map((mirror) => mirror.source)
  const readOnly = config.ipns.writeKey === null
  const trust = new Trust({ map: state.map('trust'), now })
  const tombstones = await Tombstones.open(state.map('tombstones'), now)
  const overlay = new Overlay({ own, mirrors, trust, blobLimit, tombstones, now, onMirrorError })
  const leases = await Leases.open(
    { time: config.retention.lease, now: () => performance.now(), map: state.map('gc') },
    { isNew: lane.isNew },
  )
  const uploads = new Uploads(
    {
      store,
      writer: lane,
      room,
      now: () => ages.now(),
      leases,
      hold: () => contents.hold(),
      rules,
    },
    { readOnly, blobLimit, maxBytes: config.limits.uploads ?? Infinity },
  )
  const service = new Registry(
    {
      overlay,
      writer: lane,
      content: contents,
      tombstones,
      uploads,
      room,
      history,
      leases,
      signatures: signatures.rules,
      rules,
    },
    {
      validation: config.storage.validation,
      deletes: config.storage.delete.enabled,
      readOnly,
      blobLimit,
    },
  )
  return { overlay, service, tombstones, trust, uploads, leases }
}
