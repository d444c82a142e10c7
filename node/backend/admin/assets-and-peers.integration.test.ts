import { beforeAll, describe, expect, it } from 'vitest'
import { OPERATOR_ID } from '../testing.ts'
import { asError, UNKNOWN_ID, useAdminApi } from './admin-api.test-support.ts'
import {
  CREATE_ASSET,
  UPDATE_ASSET,
  DELETE_ASSET,
  SET_FEE,
  CREATE_PEER,
  MUTATIONS
} from './operations.test-support.ts'

describe('the Admin API: assets and peers', () => {
  const { desk, id, ok, refused, query } = useAdminApi()
  let assetId: string
  beforeAll(() => {
    ;({ assetId } = desk)
  })

  describe('assets', () => {
    it('are found by id, by code and scale, and in lists', async () => {
      const fields = 'id code scale liquidity withdrawalThreshold liquidityThreshold tenant { id }'
      const asset = {
        id: assetId,
        code: 'USD',
        scale: 2,
        liquidity: '1000',
        withdrawalThreshold: null,
        liquidityThreshold: null,
        tenant: { id: OPERATOR_ID }
      }
      const found = await query(
        `query ($id: String!) {
           asset(id: $id) { ${fields} }
           assetByCodeAndScale(code: "USD", scale: 2) { ${fields} }
           assets { edges { cursor node { ${fields} } } pageInfo { startCursor hasNextPage } }
           missing: assetByCodeAndScale(code: "XXX", scale: 2) { id } }`,
        { id: assetId }
      )
      expect(found).toEqual({
        asset,
        assetByCodeAndScale: asset,
        assets: {
          edges: [{ cursor: assetId, node: asset }],
          pageInfo: { startCursor: assetId, hasNextPage: false }
        },
        missing: null
      })
    })

    it('keep the thresholds that an update does not name', async () => {
      const { asset } = await ok<{ asset: { id: string } }>(CREATE_ASSET, {
        code: 'SEK',
        scale: 0,
        withdrawalThreshold: '10',
        liquidityThreshold: '18446744073709551615'
      })
      expect(await ok(UPDATE_ASSET, { id: asset.id, withdrawalThreshold: '20' })).toMatchObject({
        asset: { withdrawalThreshold: '20', liquidityThreshold: '18446744073709551615' }
      })
      expect(await ok(UPDATE_ASSET, { id: asset.id, liquidityThreshold: null })).toMatchObject({
        asset: { withdrawalThreshold: '20', liquidityThreshold: null }
      })
      expect(await ok(DELETE_ASSET, { id: asset.id })).toMatchObject({ asset: { id: asset.id } })
      expect(await refused(DELETE_ASSET, { id: asset.id })).toMatchObject(
        asError('NOT_FOUND', 'Asset not found')
      )
    })

    it('have a fee in force and a history', async () => {
      const set = (basisPoints: number) =>
        ok(SET_FEE, { assetId, type: 'RECEIVING', fee: { fixed: '5', basisPoints } })
      await set(100)
      await set(200)
      const fees = await query(
        `query ($id: String!) { asset(id: $id) {
           sendingFee { id } receivingFee { fixed basisPoints type assetId }
           fees { edges { node { basisPoints } } } } }`,
        { id: assetId }
      )
      expect(fees).toEqual({
        asset: {
          sendingFee: null,
          receivingFee: { fixed: '5', basisPoints: 200, type: 'RECEIVING', assetId },
          fees: { edges: [{ node: { basisPoints: 200 } }, { node: { basisPoints: 100 } }] }
        }
      })
    })

    it.each<[string, string, () => object, string, string]>([
      ['twice', 'CREATE_ASSET', () => ({ code: 'USD', scale: 2 }), 'DUPLICATE', 'Asset already exists'],
      ['of a scale above 255', 'CREATE_ASSET', () => ({ code: 'A', scale: 256 }), 'BAD_USER_INPUT', ''],
      [
        'for nobody',
        'CREATE_ASSET',
        () => ({ code: 'A', scale: 2, tenantId: UNKNOWN_ID }),
        'BAD_USER_INPUT',
        'Assignment to the specified tenant is not permitted'
      ],
      ['that are unknown', 'UPDATE_ASSET', () => ({ id: UNKNOWN_ID }), 'NOT_FOUND', 'Asset not found'],
      ['by an id that is none', 'UPDATE_ASSET', () => ({ id: "'" }), 'NOT_FOUND', 'Asset not found'],
      [
        'with a share above all',
        'SET_FEE',
        () => ({ assetId, type: 'SENDING', fee: { fixed: '0', basisPoints: 10_001 } }),
        'BAD_USER_INPUT',
        'Basis point fee must be between 0 and 10000'
      ],
      [
        'that are unknown, their fee',
        'SET_FEE',
        () => ({ assetId: UNKNOWN_ID, type: 'SENDING', fee: { fixed: '0', basisPoints: 1 } }),
        'NOT_FOUND',
        'Unknown asset'
      ]
    ])('are refused %s', async (_, mutation, input, code, message) => {
      const error = await refused(MUTATIONS[mutation]!, input())
      expect(error.extensions.code).toBe(code)
      if (message !== '') expect(error.message).toBe(message)
    })
  })

  describe('peers', () => {
    const peer = (changes: object = {}) => ({
      assetId,
      staticIlpAddress: `test.peer-${id()}`,
      http: {
        incoming: { authTokens: [`token-${id()}`] },
        outgoing: { authToken: 'out', endpoint: 'http://localhost:1/' }
      },
      ...changes
    })

    it('are created with liquidity and limits, changed, found and deleted', async () => {
      const fields = `id name staticIlpAddress routes liquidity maxPacketAmount maxPacketsPerSecond
        maxPacketsInFlight maxAmountPerSecond http { outgoing { authToken endpoint } } asset { id } tenant { id }`
      const created = await ok<{ peer: { id: string; staticIlpAddress: string } }>(
        `mutation ($input: CreatePeerInput!) { createPeer(input: $input) { peer { ${fields} } } }`,
        peer({
          name: 'Peer',
          initialLiquidity: '500',
          routes: ['test.far'],
          maxPacketAmount: '1000',
          maxPacketsPerSecond: 10,
          maxPacketsInFlight: 20,
          maxAmountPerSecond: '30'
        })
      )
      expect(created.peer).toMatchObject({
        name: 'Peer',
        routes: [created.peer.staticIlpAddress, 'test.far'],
        liquidity: '500',
        maxPacketAmount: '1000',
        maxPacketsPerSecond: 10,
        maxPacketsInFlight: 20,
        maxAmountPerSecond: '30',
        http: { outgoing: { authToken: 'out', endpoint: 'http://localhost:1/' } },
        asset: { id: assetId },
        tenant: { id: OPERATOR_ID }
      })
      const { id: peerId, staticIlpAddress } = created.peer
      await ok(`mutation ($input: UpdatePeerInput!) { updatePeer(input: $input) { peer { id } } }`, {
        id: peerId,
        name: 'New name',
        maxPacketsPerSecond: 11,
        maxPacketsInFlight: null
      })
      const found = await query(
        `query ($id: String!, $address: String!, $assetId: String!) {
           peer(id: $id) { name maxPacketsPerSecond maxPacketsInFlight maxPacketAmount }
           peerByAddressAndAsset(staticIlpAddress: $address, assetId: $assetId) { id }
           peers { edges { node { id } } } }`,
        { id: peerId, address: staticIlpAddress, assetId }
      )
      expect(found).toMatchObject({
        peer: {
          name: 'New name',
          maxPacketsPerSecond: 11,
          maxPacketsInFlight: null,
          maxPacketAmount: '1000'
        },
        peerByAddressAndAsset: { id: peerId },
        peers: { edges: [{ node: { id: peerId } }] }
      })
      const remove = `mutation ($input: DeletePeerInput!) { deletePeer(input: $input) { success } }`
      expect(await ok(remove, { id: peerId })).toEqual({ success: true })
      expect(await refused(remove, { id: peerId })).toMatchObject(asError('NOT_FOUND', 'unknown peer'))
    })

    it.each<[string, () => object, string, string]>([
      [
        'with an address that is none',
        () => peer({ staticIlpAddress: 'x' }),
        'BAD_USER_INPUT',
        'invalid ILP address'
      ],
      [
        'with an endpoint that is none',
        () => peer({ http: { outgoing: { authToken: 'a', endpoint: 'x' } } }),
        'BAD_USER_INPUT',
        'invalid HTTP endpoint'
      ],
      ['of an unknown asset', () => peer({ assetId: UNKNOWN_ID }), 'NOT_FOUND', 'unknown asset'],
      [
        'that may send nothing',
        () => peer({ maxPacketsPerSecond: 0 }),
        'BAD_USER_INPUT',
        'maxPacketsPerSecond must be at least 1'
      ],
      [
        'with a name without end',
        () => peer({ name: 'x'.repeat(256) }),
        'BAD_USER_INPUT',
        'name has at most 255 characters'
      ]
    ])('are refused %s', async (_, input, code, message) => {
      expect(await refused(CREATE_PEER, input())).toMatchObject(asError(code, message))
    })

    it('are refused with a token or an address that another has', async () => {
      const first = peer()
      await ok(CREATE_PEER, first)
      expect(await refused(CREATE_PEER, { ...first, staticIlpAddress: 'test.another' })).toMatchObject(
        asError('DUPLICATE', 'duplicate incoming token')
      )
      expect(await refused(CREATE_PEER, peer({ staticIlpAddress: first.staticIlpAddress }))).toMatchObject(
        asError('DUPLICATE', 'duplicate peer found for same ILP address and asset')
      )
    })
  })
})
