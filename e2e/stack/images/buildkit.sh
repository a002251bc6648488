# Makes the folders of the user that runs BuildKit without being root, in the folder root.
cd root
mkdir -p run/user/1000 home/build/.local/tmp home/build/.local/share/buildkit
chown -R 1000:1000 run/user/1000 home/build
