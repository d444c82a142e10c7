import type { ActionFunctionArgs } from '@remix-run/node'
import { handleForm, notFound } from '../page.server.ts'
import { fieldOfPeerFailure, generalForm, httpForm, limitsForm, routesForm } from './peer-forms.ts'
import { getPeer, minorUnits } from './peers.server.ts'
import { GET_PEER_OUTGOING, UPDATE_PEER } from './peers.ts'

/** The forms of a peer's page: each changes what it shows and nothing else. */

export const updateGeneral = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    generalForm,
    async ({ api, params, value: { name, staticIlpAddress, ...amounts }, refuse }) => {
      const { id, asset } = await getPeer(api, params.peerId)
      const { maxPacketAmount, liquidityThreshold } = amounts
      const read = minorUnits({ maxPacketAmount, liquidityThreshold }, asset.scale)
      if (!read.ok) return refuse(read.error, read.field)
      await api.call(UPDATE_PEER, { input: { id, name: name ?? null, staticIlpAddress, ...read.amounts } })
      return { to: `/peers/${id}`, flash: 'The peer was changed' }
    },
    (error) => {
      const field = fieldOfPeerFailure(error)
      return field === 'staticIlpAddress' ? field : undefined
    }
  )

export const updateHttp = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    httpForm,
    async ({ api, params, value: { outgoingEndpoint, outgoingAuthToken, incomingAuthTokens } }) => {
      const { peer } = await api.call(GET_PEER_OUTGOING, { id: params.peerId })
      if (peer === null) throw notFound('Peer')
      await api.call(UPDATE_PEER, {
        input: {
          id: params.peerId,
          http: {
            outgoing: {
              endpoint: outgoingEndpoint,
              authToken: outgoingAuthToken ?? peer.http.outgoing.authToken
            },
            ...(incomingAuthTokens && { incoming: { authTokens: incomingAuthTokens } })
          }
        }
      })
      return { to: `/peers/${params.peerId}`, flash: 'The way to the peer was changed' }
    },
    (error) => {
      const field = fieldOfPeerFailure(error)
      return field === 'outgoingEndpoint' || field === 'incomingAuthTokens' ? field : undefined
    }
  )

export const updateLimits = (args: ActionFunctionArgs) =>
  handleForm(args, limitsForm, async ({ api, params, value, refuse }) => {
    const { id, asset } = await getPeer(api, params.peerId)
    const { maxPacketsPerSecond, maxPacketsInFlight, maxAmountPerSecond, maxSettledOverBtp } = value
    const read = minorUnits({ maxAmountPerSecond, maxSettledOverBtp }, asset.scale)
    if (!read.ok) return refuse(read.error, read.field)
    await api.call(UPDATE_PEER, {
      input: {
        id,
        maxPacketsPerSecond: maxPacketsPerSecond ?? null,
        maxPacketsInFlight: maxPacketsInFlight ?? null,
        ...read.amounts
      }
    })
    return { to: `/peers/${id}`, flash: 'The limits were changed' }
  })

export const updateRoutes = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    routesForm,
    async ({ api, params, value: { routes } }) => {
      await api.call(UPDATE_PEER, { input: { id: params.peerId, routes } })
      return { to: `/peers/${params.peerId}`, flash: 'The routes were changed' }
    },
    ({ failure }) => (failure === 'InvalidStaticIlpAddress' ? 'routes' : undefined)
  )
