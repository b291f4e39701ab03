export * from "./gen/coder/provisioner/v1/daemon_pb.js";
export * from "./gen/coder/provisioner/v1/graph_pb.js";
