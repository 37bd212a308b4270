import { algorithmOf, hexOf } from './digest.ts'
import type { Digest } from './digest.ts'
import type { Tag } from './name.ts'

/** `sha256-<64 hex digits>`, alone or with what a tool adds: `.sig`, `.att`, `.sbom`. */
const COMPANION = /^((?:sha256|sha512)-[0-9a-f]{64})(?:\.[a-z]+)?$/

/**
 * What a tag belongs to that is no version but stands beside a manifest: an index of its referrers (distribution-spec,
 * "Referrers Tag Schema"), or a signature, attestation or SBOM of cosign. `undefined` for every other tag.
 *
 * @returns the subject as {@link subjectKey} writes it
 */
export function companionSubject(tag: Tag): string | undefined {
  return COMPANION.exec(tag)?.[1]
}

/** What cosign keeps beside an image under a tag: its signatures, attestations and SBOMs. */
const ATTACHMENT = /^sha256-[0-9a-f]{64}\.(?:sig|att|sbom)$/

/** Whether a tag is one under which cosign keeps what it says about a manifest. */
export function isAttachmentTag(tag: Tag): boolean {
  return ATTACHMENT.test(tag)
}

/** A digest as such tags write it: the hex digits cut to 64. */
export function subjectKey(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest).slice(0, 64)}`
}
