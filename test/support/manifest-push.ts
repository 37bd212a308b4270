import assert from 'node:assert/strict'
import { isRegistryError } from '../../src/oci/errors.ts'
import { APP, tagged } from './registry-setup.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { RegistryError } from '../../src/oci/errors.ts'
import type { Reference } from '../../src/oci/name.ts'
import type { RegistryService } from '../../src/registry/ports.ts'
import type { RandomManifest } from './random-image.ts'

/** Pushes a manifest through the service, under its own type. */
export const put = (
  service: RegistryService,
  manifest: RandomManifest,
  reference: Reference = tagged('v1'),
  name = APP,
) => service.putManifest(name, reference, manifest.bytes, manifest.mediaType)

/** Checks the error for a manifest that refers to what is nowhere. */
export const missing =
  (...digests: Digest[]) =>
  (error: RegistryError) => {
    assert.ok(isRegistryError(error, 'MANIFEST_BLOB_UNKNOWN'), String(error))
    assert.equal(error.status, 400)
    assert.deepEqual(new Set((error.detail as { digests: Digest[] }).digests), new Set(digests))
    return true
  }
