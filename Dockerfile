# One image for all services: `docker run … node node/auth/main.ts` runs the authorization server.
FROM node:24-bookworm-slim AS build
WORKDIR /srv/rafiki
COPY package.json package-lock.json tsconfig.json ./
RUN npm ci
COPY node ./node
RUN npm run frontend:build

FROM node:24-bookworm-slim
WORKDIR /srv/rafiki
ENV NODE_ENV=production
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force
COPY LICENSE ./
COPY node ./node
COPY --from=build /srv/rafiki/node/frontend/build ./node/frontend/build
# TypeScript runs as it is; compiled code is kept between starts.
ENV NODE_COMPILE_CACHE=/tmp/node-compile
USER node
# A second signal would end it at once: the engine's grace (stop_grace_period) has to be above STOP_GRACE_MS.
STOPSIGNAL SIGTERM
CMD ["node", "--max-semi-space-size=16", "node/backend/main.ts"]
