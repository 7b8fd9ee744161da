# One image for every container: ENTRY names the deployable (etl-runner, pipelines-trainer, deployments-recommender).
#   docker build --build-arg ENTRY=etl-runner -t etl-runner .
# Node 24 on Debian's glibc: what the bundles were built and tested for.
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm install --no-save --no-audit --no-fund
COPY functions ./functions
COPY scripts ./scripts
ARG ENTRY
RUN test -n "$ENTRY" && node scripts/build.ts "$ENTRY" --out /out && mv "/out/$ENTRY" /out/app

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /out/app ./
# No shell tools are needed, and nothing is written but /tmp, which Cloud Run keeps in memory.
USER node
ENTRYPOINT ["node", "index.js"]
