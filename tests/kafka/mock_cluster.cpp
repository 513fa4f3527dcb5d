// A Kafka cluster for tests: librdkafka's mock brokers in a process of their own.
//
//   kafka_mock_cluster [BROKERS]      1 broker unless it says more
//
// Writes its bootstrap servers in one line, then reads commands, one a line, and answers each with `ok` or with what is
// wrong. Ends when its standard input does.
//
//   topic NAME PARTITIONS         make a topic
//   down BROKER | up BROKER       close a broker's connections and refuse new ones, or no longer; brokers count from 1
//   errors API CODE COUNT         the next COUNT requests of this kind (0: Produce, 22: InitProducerId) fail so
//   topic_error NAME CODE         metadata says this of the topic; 0: nothing
//   leader TOPIC PARTITION BROKER
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

rd_kafka_resp_err_t as_error(int code) { return static_cast<rd_kafka_resp_err_t>(code); }

std::string answer(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? "ok" : rd_kafka_err2str(error);
}

std::string push_errors(rd_kafka_mock_cluster_t* cluster, std::istream& words) {
  std::int16_t api = 0;
  int code = 0;
  std::size_t count = 0;
  if (!(words >> api >> code >> count)) return "expected: errors API CODE COUNT";
  const std::vector<rd_kafka_resp_err_t> errors(count, as_error(code));
  rd_kafka_mock_push_request_errors_array(cluster, api, errors.size(), errors.data());
  return "ok";
}

std::string obey(rd_kafka_mock_cluster_t* cluster, const std::string& line) {
  std::istringstream words(line);
  std::string command, topic;
  int number = 0;
  words >> command;
  if (command == "errors") return push_errors(cluster, words);
  if (command == "down" && words >> number)
    return answer(rd_kafka_mock_broker_set_down(cluster, number));
  if (command == "up" && words >> number)
    return answer(rd_kafka_mock_broker_set_up(cluster, number));
  if (command == "topic" && words >> topic >> number)
    return answer(rd_kafka_mock_topic_create(cluster, topic.c_str(), number, 1));
  if (command == "topic_error" && words >> topic >> number) {
    rd_kafka_mock_topic_set_error(cluster, topic.c_str(), as_error(number));
    return "ok";
  }
  std::int32_t partition = 0;
  if (command == "leader" && words >> topic >> partition >> number)
    return answer(rd_kafka_mock_partition_set_leader(cluster, topic.c_str(), partition, number));
  return "unknown command: " + line;
}

}  // namespace

int main(int argc, char** argv) {
  const int brokers = argc > 1 ? std::stoi(argv[1]) : 1;
  std::array<char, 512> why{};
  rd_kafka_t* handle = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why.data(), why.size());
  if (handle == nullptr) {
    std::cerr << "kafka_mock_cluster: " << why.data() << '\n';
    return 1;
  }
  rd_kafka_mock_cluster_t* cluster = rd_kafka_mock_cluster_new(handle, brokers);
  std::cout << rd_kafka_mock_cluster_bootstraps(cluster) << std::endl;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << obey(cluster, line) << std::endl;
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(handle);
}
