# Compiles with the development tools, which the image does not have.
FROM node:20-bookworm-slim AS build
WORKDIR /engram
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY schemas schemas
COPY projections projections
COPY src src
RUN npm run build && find dist \( -name '*.map' -o -name '*.tsbuildinfo' \) -delete

FROM node:20-bookworm-slim AS dependencies
WORKDIR /engram
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:20-bookworm-slim
WORKDIR /engram
COPY --from=dependencies /engram/node_modules node_modules
COPY --from=build /engram/dist dist
COPY package.json LICENSE ./
COPY schemas schemas
# The one place that is written to. /tmp is used by `engram verify` and `engram state` only.
RUN mkdir --mode=0700 /data && chown node:node /data
VOLUME /data
USER node
ENV NODE_ENV=production \
    ENGRAM_DATA_DIR=/data \
    ENGRAM_LISTENERS__0__HOST=0.0.0.0 \
    ENGRAM_LISTENERS__0__PORT=8008 \
    ENGRAM_LISTENERS__0__RESOURCES='[client, health]'
EXPOSE 8008
# Healthy as soon as it serves with all of its parts; building the read models of a large log takes longer than the start period.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ENGRAM_LISTENERS__0__PORT}/health`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["serve"]
